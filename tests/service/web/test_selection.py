"""Several photos at once: choosing them, and what can be done with those chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.library import FakeLibrary

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

TILE = "#timeline .tile"


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary({"2024-07": 20, "2024-06": 300})


def chosen(desk: Desk) -> list[str]:
    names: list[str] = desk.page.evaluate(
        """() => [...document.querySelectorAll(".chosen .tile")]
            .map((it) => it.ariaLabel.split(",")[0].split(": ").at(-1))"""
    )
    return names


def names(library: FakeLibrary) -> list[str]:
    return [photo["path"] for photo in library.all({})]


def bar(desk: Desk) -> Any:
    return desk.page.get_by_role("region", name="Selected photos")


def test_check_marks_ranges_and_keys(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    desk = open_page(routes=library.routes())
    choose_all_wherever_the_focus_is(desk)
    bar(desk).get_by_role("button", name="Clear selection").click()
    order = names(library)
    tiles = desk.page.locator(TILE)
    tiles.nth(1).hover()
    desk.page.locator("#timeline .pick").nth(1).click()
    assert chosen(desk) == [order[1]]
    expect(bar(desk)).to_contain_text("1 selected")
    desk.page.keyboard.press("Escape")
    assert chosen(desk) == [], "wherever the focus is"
    desk.page.locator("#timeline .pick").nth(1).click()
    tiles.nth(3).click()
    tiles.nth(6).click(modifiers=["Shift"])
    assert chosen(desk) == [order[1], *order[3:7]]
    tiles.nth(4).click()
    assert chosen(desk) == [order[1], order[3], *order[5:7]]
    desk.page.keyboard.press("Escape")
    assert chosen(desk) == []
    expect(bar(desk)).to_be_hidden()
    tiles.nth(0).focus()
    for key in ("Space", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowRight", "x"):
        desk.page.keyboard.press(key)
    assert chosen(desk) == order[:4]
    expect(desk.page.locator("#timeline .pick").nth(0)).to_have_attribute("aria-checked", "true")
    expect(desk.page.get_by_role("dialog")).to_be_hidden()
    desk.page.keyboard.press("Control+a")
    expect(bar(desk)).to_contain_text("320 selected")
    bar(desk).get_by_role("button", name="Clear selection").click()
    assert chosen(desk) == []
    tiles.nth(0).click()
    expect(desk.page.get_by_role("dialog")).to_be_visible()


def choose_all_wherever_the_focus_is(desk: Desk) -> None:
    """Once one is chosen, that is; at the end one is, and the focus is in the words."""
    marked = "() => getSelection().toString()"
    desk.page.locator(TILE).nth(1).hover()
    desk.page.locator("#timeline .pick").nth(1).click()
    desk.page.keyboard.press("Control+a")
    expect(bar(desk)).to_contain_text("320 selected")
    assert desk.page.evaluate(marked) == ""
    bar(desk).get_by_role("button", name="Clear selection").click()
    desk.page.keyboard.press("Control+a")
    expect(bar(desk)).to_be_hidden()
    assert desk.page.evaluate(marked), "without a photo chosen it is the browser's own"
    desk.page.locator("#timeline .pick").nth(1).click()
    desk.page.locator("#text").press("Control+a")
    expect(bar(desk)).to_contain_text("1 selected")


def test_a_range_reaches_over_what_has_not_come(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 1500})
    desk = open_page(routes=library.routes())
    desk.page.locator(TILE).first.focus()
    desk.page.keyboard.press("x")
    desk.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    last = desk.page.get_by_role("button", name="2024-07/01499.jpg")
    last.click(modifiers=["Shift"])
    expect(bar(desk)).to_contain_text("1500 selected")


def test_a_long_press_chooses_on_touch(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    desk = open_page(
        routes=library.routes(), viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    tile = desk.page.locator(TILE).first
    tile.scroll_into_view_if_needed()
    box = tile.bounding_box()
    assert box is not None
    point = {"x": box["x"] + 40, "y": box["y"] + 40}
    desk.devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(bar(desk)).to_contain_text("1 selected")
    desk.devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    desk.page.locator(TILE).nth(1).tap()
    expect(bar(desk)).to_contain_text("2 selected")
    buttons = bar(desk).get_by_role("button").all()
    sizes = [button.bounding_box() for button in buttons]
    assert len(sizes) == 7
    assert all(size and size["width"] >= 44 and size["height"] >= 44 for size in sizes)
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_can_be_done_with_those_chosen(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.post_data or "")
        head = {"content-disposition": 'attachment; filename="photos.zip"'}
        route.fulfill(body=b"PK", content_type="application/zip", headers=head)

    desk = open_page(
        routes={**library.routes(), "**/download": answer}, permissions=["clipboard-read", "clipboard-write"]
    )
    desk.page.locator(TILE).first.focus()
    for key in ("x", "Shift+ArrowRight"):
        desk.page.keyboard.press(key)
    bar(desk).get_by_role("button", name="Copy paths").click()
    expect(bar(desk)).to_contain_text("Copied")
    assert desk.page.evaluate("navigator.clipboard.readText()") == "\n".join(names(library)[:2])
    with desk.page.expect_download() as download:
        bar(desk).get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "photos.zip"
    ids = [photo["id"] for photo in library.all({})][:2]
    assert asked == [f"ids={ids[0]}%2C{ids[1]}"], "a form sends them"
    bar(desk).get_by_role("button", name="Favourite").click()
    expect(desk.page.locator("#timeline .heart:visible")).to_have_count(2)
    assert len(library.favourites) == 2
    bar(desk).get_by_role("button", name="Not a favourite").click()
    expect(desk.page.locator("#timeline .heart:visible")).to_have_count(0)
    assert library.favourites == set()


def test_hidden_photos_go_and_come_back(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    desk = open_page(routes=library.routes())
    order = names(library)
    desk.page.locator(TILE).nth(1).focus()
    desk.page.keyboard.press("x")
    bar(desk).get_by_role("button", name="Hide").click()
    expect(desk.page.locator("#toast")).to_contain_text("1 photo hidden")
    expect(desk.page.locator(TILE).nth(1)).to_have_attribute("aria-label", re.compile(re.escape(order[2])))
    expect(desk.page.locator("#timeline h3").first).to_have_text("July 2024 19 photos")
    expect(bar(desk)).to_be_hidden()
    assert len(library.hidden) == 1
    desk.page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(desk.page.locator(TILE).nth(1)).to_have_attribute("aria-label", re.compile(re.escape(order[1])))
    assert library.hidden == set()


def test_what_the_server_refuses_is_not_offered(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    library.refuses = True
    desk = open_page(routes=library.routes())
    desk.page.locator(TILE).first.focus()
    desk.page.keyboard.press("x")
    expect(bar(desk).get_by_role("button", name="Download")).to_be_visible()
    expect(bar(desk).get_by_role("button", name="Favourite")).to_be_hidden()
    expect(bar(desk).get_by_role("button", name="Hide")).to_be_hidden()
    forgive_failed_requests(desk)


def test_results_can_be_chosen_too_and_more_or_less_like_them_is_a_part_of_the_query(desk: Desk) -> None:
    found = desk.drawn_results()
    desk.page.locator("#results .tile").nth(2).focus()
    desk.page.keyboard.press("x")
    assert chosen(desk) == [found[2].split(": ")[1].split(",")[0]]
    desk.page.keyboard.press("Control+a")
    assert len(chosen(desk)) == len(found)
    desk.page.keyboard.press("Escape")
    expect(bar(desk)).to_be_hidden()
    body = "() => Object.fromEntries([...window.lastBody].filter(([, value]) => typeof value === 'string'))"
    ids = desk.page.evaluate("() => [...document.querySelectorAll('#results li')].map((it) => it.dataset.id)")
    desk.page.locator("#results .tile").first.focus()
    for key in ("x", "ArrowRight", "x"):
        desk.page.keyboard.press(key)
    with desk.answered():
        bar(desk).get_by_role("button", name="More like this").click()
    assert desk.page.evaluate(body)["like"] == f"{ids[0]},{ids[1]}"
    third = desk.page.locator(f"#results [data-id='{ids[2]}'] .tile")
    third.focus()
    desk.page.keyboard.press("x")
    with desk.answered():
        bar(desk).get_by_role("button", name="Less like this").click()
    assert desk.page.evaluate(body)["like"] == f"{ids[0]},{ids[1]},-{ids[2]}"
    expect(desk.page).to_have_url(re.compile(rf"like={ids[0]}%2C{ids[1]}%2C-{ids[2]}"))
    with desk.answered():
        desk.page.reload()
    assert desk.page.evaluate(body)["like"] == f"{ids[0]},{ids[1]},-{ids[2]}"
    with desk.answered():
        desk.page.get_by_role("button", name="Remove the photo to be more like").first.click()
    assert desk.page.evaluate(body)["like"] == f"{ids[1]},-{ids[2]}"
    with desk.answered():
        desk.button("Remove the similar photos").click()
    assert "like" not in desk.page.evaluate(body)
    desk.page.locator("#results .tile").first.focus()
    desk.page.keyboard.press("x")
    expect(bar(desk)).to_be_visible()
    desk.button("Clear").click()
    expect(bar(desk)).to_be_hidden()
