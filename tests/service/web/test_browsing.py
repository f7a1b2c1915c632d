"""Filters without a search: what they let through is on the start page, and says how much it is."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.service.desk import Desk, expect
from tests.kit.service.library import FakeLibrary, months

pytestmark = pytest.mark.browser


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary(months(1684, each=60))


def asked(library: FakeLibrary) -> dict[str, str]:
    """The filters of the timeline asked for last."""
    last = [url for url in library.asked if "/timeline?" in url][-1]
    return {name: values[0] for name, values in parse_qs(urlsplit(last).query).items()}


def test_a_filter_alone_narrows_the_library(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    desk = open_page(routes=library.routes())
    desk.arrived()
    number = library.months["2023-05"]
    desk.button("Filters").click()
    folder = desk.page.get_by_role("combobox", name="Folder")
    folder.click()
    option = desk.page.get_by_role("option", name="2023-05")
    expect(option).to_have_text(f"2023-05 {number}")
    option.click()
    expect(desk.page.locator("#figures")).to_have_text(f"{number} of 1,684 photos")
    expect(desk.page.locator("#heading")).to_have_text("2023-05")
    expect(desk.page.locator("#timeline h3")).to_have_count(1)
    expect(desk.page.locator("#welcome")).to_be_hidden()
    assert asked(library) == {"folder": "2023-05"}
    expect(desk.page).to_have_url("*?folder=2023-05".replace("*", desk.page.url.split("?")[0]))
    desk.page.reload()
    expect(desk.page.locator("#heading")).to_have_text("2023-05")
    expect(desk.page.locator("#figures")).to_contain_text(f"{number} of")
    desk.button("Filters, 1 active").click()
    with desk.page.expect_response("**/timeline?"):
        desk.button("Reset").click()
    expect(desk.page.locator("#welcome")).to_be_visible()
    assert asked(library) == {}


def test_folders_are_chosen_with_the_keyboard_and_one_that_holds_nothing_is_let_go(
    open_page: Callable[..., Desk], library: FakeLibrary
) -> None:
    desk = open_page(routes=library.routes())
    desk.arrived()
    desk.button("Filters").click()
    expect(desk.page.locator("#folders [role=option]").first).to_be_visible()
    desk.page.keyboard.type("2022-1")
    expect(desk.page.locator("#folders [role=option]")).to_have_text(
        [f"{month} {n}" for month, n in library.months.items() if "2022-1" in month]
    )
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        desk.page.keyboard.press(key)
    expect(desk.page.get_by_role("combobox", name="Folder")).to_have_value("2022-11")
    expect(desk.page.locator("#heading")).to_have_text("2022-11")
    desk.page.get_by_role("combobox", name="Folder").fill("nowhere")
    expect(desk.page.locator("#nothing")).to_contain_text("No photos match your filters.")
    expect(desk.page.locator("#figures")).to_have_text("0 of 1,684 photos")
    desk.button("Clear filters").click()
    expect(desk.page.locator("#timeline .tile").first).to_be_visible()
    expect(desk.page.locator("#nothing")).to_be_hidden()


def test_a_year_or_a_month_is_date_enough(open_page: Callable[..., Desk], library: FakeLibrary) -> None:
    desk = open_page(routes=library.routes())
    desk.arrived()
    desk.button("Filters").click()
    since, until = desk.page.get_by_label("Taken since: year"), desk.page.get_by_label("Taken until: year")
    month = desk.page.get_by_label("Taken since: month")
    expect(month).to_be_disabled()
    with desk.page.expect_response("**/timeline?*"):
        since.fill("2022")
    assert asked(library) == {"after": "2022-01-01"}
    with desk.page.expect_response("**/timeline?*"):
        month.select_option("03")
    assert asked(library) == {"after": "2022-03-01"}
    with desk.page.expect_response("**/timeline?*"):
        until.fill("2022")
    assert asked(library) == {"after": "2022-03-01", "before": "2023-01-01"}
    desk.page.get_by_label("Taken until: month").select_option("12")
    with desk.page.expect_response("**/timeline?*"):
        desk.page.get_by_label("Taken until: day").fill("30")
    assert asked(library) == {"after": "2022-03-01", "before": "2022-12-31"}
    desk.page.wait_for_url("**/?after=2022-03&until=2022-12-30")
    desk.page.reload()
    desk.page.locator("#filter").click()
    expect(since).to_have_value("2022")
    expect(month).to_have_value("03")
    expect(desk.page.get_by_label("Taken until: day")).to_have_value("30")


def test_dates_are_turned_into_days(module_page: Desk) -> None:
    found = module_page.page.evaluate(
        """async (texts) => {
            const { dateOrNone, dayAfter, firstDay } = await import("/web/search/dates.js");
            return texts.map((text) => [dateOrNone(text), firstDay(dateOrNone(text)), dayAfter(dateOrNone(text))]);
        }""",
        ["2024", "2024-02", "2024-02-29", "2023-12-31", "2023-02-29", "2023-13", "24", "", "0000", None, "x"],
    )
    assert found[:4] == [
        ["2024", "2024-01-01", "2025-01-01"],
        ["2024-02", "2024-02-01", "2024-03-01"],
        ["2024-02-29", "2024-02-29", "2024-03-01"],
        ["2023-12-31", "2023-12-31", "2024-01-01"],
    ]
    assert found[4:] == [["", "", ""]] * 7


def test_favourites_and_hidden_photos_can_be_looked_at_and_shown_again(
    open_page: Callable[..., Desk], library: FakeLibrary
) -> None:
    photos = [photo["id"] for photo in library.all({})]
    library.favourites.update(photos[3:6])
    library.hidden.update(photos[8:11])
    desk = open_page(routes=library.routes())
    desk.arrived()
    tiles, figures = desk.page.locator("#timeline .tile"), desk.page.locator("#figures")
    desk.button("Filters").click()
    desk.page.get_by_label("Favourites only").check()
    expect(tiles).to_have_count(3)
    expect(desk.page.locator("#heading")).to_have_text("Favourites")
    desk.page.get_by_label("Favourites only").uncheck()
    desk.page.get_by_label("Hidden photos only").check()
    expect(figures).to_have_text("3 photos")
    expect(tiles).to_have_count(3)
    tiles.first.focus()
    desk.page.keyboard.press("x")
    desk.button("Show again").click()
    expect(tiles).to_have_count(2)
    assert library.hidden == {photos[9], photos[10]}
    expect(figures).to_have_text("2 photos")
    tiles.first.click()
    desk.page.keyboard.press("h")
    expect(desk.page.locator("#viewer .toast")).to_contain_text("Photo shown again")
    assert library.hidden == {photos[10]}
    expect(figures).to_have_text("1 photo")
    desk.page.keyboard.press("Escape")
    expect(tiles).to_have_count(1)
    desk.page.get_by_label("Hidden photos only").uncheck()
    desk.page.get_by_role("combobox", name="Folder").fill("2023-05")
    expect(figures).to_have_text(f"{library.months['2023-05']} of 1,683 photos")


def test_a_date_is_one_field_and_what_is_searched_for_stays_in_sight(
    open_page: Callable[..., Desk],
) -> None:
    desk = open_page(viewport={"width": 1280, "height": 800})
    desk.drawn_results()
    with desk.answered():
        desk.page.locator("#text").fill("house")
    desk.button("Filters").click()
    for part in ("year", "month", "day"):
        expect(desk.page.get_by_label(f"Taken since: {part}")).to_have_css("border-top-width", "0px")
    expect(desk.page.locator("#folders")).to_be_hidden()
    for part in desk.page.locator("#parts li").all():
        expect(part).to_be_in_viewport(ratio=1)
