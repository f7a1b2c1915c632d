"""The start page: the photos of a library of any size, month by month."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.service.desk import Desk, PlaywrightError, expect
from tests.kit.service.library import FakeLibrary, months

pytestmark = pytest.mark.browser

# What is in sight: its path and place, from top to bottom.
IN_SIGHT = """() => [...document.querySelectorAll("#timeline li")]
    .map((it) => [it.querySelector(".tile").ariaLabel.split(",")[0], it.getBoundingClientRect()])
    .filter(([, box]) => box.bottom > 0 && box.top < innerHeight)
    .map(([path, { top, left, right, bottom }]) => ({ path, top, left, right, bottom }))"""
SETTLED = """() => document.querySelectorAll("#timeline .waiting").length === 0
    && document.querySelectorAll("#timeline li").length > 0"""


def in_sight(desk: Desk) -> list[dict[str, Any]]:
    desk.painted()  # the page notices with the next frame that it has been scrolled
    settled = desk.page.wait_for_function(f"() => ({SETTLED})() && ({IN_SIGHT})()")
    found: list[dict[str, Any]] = settled.json_value()
    return found


def paths_in_order(library: FakeLibrary) -> list[str]:
    return [photo["path"] for photo in library.all({})]


def test_without_a_search_the_photos_are_there_newest_first(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 30, "2024-06": 7, "": 3})
    desk = open_page(routes=library.routes(), viewport={"width": 1280, "height": 2600})
    expect(desk.page.locator("#timeline h3")).to_have_text(
        ["July 2024 30 photos", "June 2024 7 photos", "No date 3 photos"]
    )
    assert [one["path"] for one in in_sight(desk)] == paths_in_order(library)
    expect(desk.page.locator("#rail")).to_be_hidden()
    desk.drawn_results()
    expect(desk.page.locator("#timeline .tile")).to_have_count(0)
    desk.button("Clear").click()
    expect(desk.page.locator("#timeline .tile").first).to_be_visible()


def test_rows_are_full_and_do_not_overlap(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 450})
    desk = open_page(routes=library.routes())
    for width in (360, 1280):
        desk.page.set_viewport_size({"width": width, "height": 900})
        desk.page.evaluate("() => scrollTo(0, 0)")
        desk.still()
        desk.page.wait_for_function(SETTLED)
        edge = desk.page.evaluate("timeline.getBoundingClientRect().right")
        for _ in range(6):
            rows_are_full(in_sight(desk), edge)
            desk.page.mouse.wheel(0, 800)


def rows_are_full(shown: list[dict[str, Any]], edge: float) -> None:
    rows: dict[float, list[dict[str, Any]]] = {}
    for one in shown:
        rows.setdefault(one["top"], []).append(one)
    for row in rows.values():
        assert [one["right"] for one in row] == sorted(one["right"] for one in row)
        if row[-1]["path"] != "2024-07/00449.jpg":
            assert row[-1]["right"] == pytest.approx(edge, abs=1)
    tops = sorted(rows)
    for above, below in itertools.pairwise(tops):
        assert below - max(one["bottom"] for one in rows[above]) == pytest.approx(4, abs=1)


def test_100_000_photos_scroll_with_few_elements_and_the_right_photos(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary(months(100_000))
    desk = open_page(routes=library.routes())
    order = {path: number for number, path in enumerate(paths_in_order(library))}
    desk.page.wait_for_function(SETTLED)
    height = desk.page.evaluate("document.documentElement.scrollHeight")
    assert height > 1_000_000
    places = []
    for step in range(13):
        desk.page.evaluate(f"scrollTo(0, {step / 12} * document.documentElement.scrollHeight)")
        shown = in_sight(desk)
        numbers = [order[one["path"]] for one in shown]
        assert len(shown) > 5
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "none is missing"
        places.append(numbers[0] / 100_000)
        assert desk.page.evaluate("document.querySelectorAll('*').length") < 4000
    assert places == sorted(places)
    assert places[0] == 0
    assert shown[-1]["path"] == list(order)[-1], "the end is reached"
    assert max(abs(place - step / 12) for step, place in enumerate(places)) < 0.03
    assert len(library.asked) < 100, "what is scrolled past is not fetched"


def test_what_one_looks_at_stays_where_it_is(open_page: Callable[..., Desk]) -> None:
    """Photos above come later than those one looks at, and have other heights than was thought."""
    library = FakeLibrary({"2024-07": 5000})
    held: list[Any] = []
    routes = library.routes()
    answer = routes["**/photos?*"]

    def hold(route: Any) -> None:
        held.append(route) if "offset=2200&" in route.request.url else answer(route)

    desk = open_page(routes={**routes, "**/photos?*": hold})
    desk.page.wait_for_function(SETTLED)
    with desk.page.expect_response(lambda answer: "offset=2400&" in answer.url):
        desk.page.evaluate("scrollTo(0, 0.475 * timeline.offsetHeight)")
    seen = desk.page.locator("#timeline .tile[aria-label^='2024-07/02400.jpg']")
    for _ in range(40):
        desk.page.evaluate("scrollBy(0, 300)")
        desk.painted()
        box = seen.bounding_box() if seen.count() else None
        if box and box["y"] < 600:
            break
    before, height = seen.bounding_box(), desk.page.evaluate("timeline.offsetHeight")
    assert before is not None
    assert before["y"] > 60, "what is above it is in sight, and has not come"
    assert held
    for route in held:
        with contextlib.suppress(PlaywrightError):  # given up in the meantime
            answer(route)
    expect(desk.page.locator("#timeline .tile[aria-label^='2024-07/02399.jpg']")).to_be_attached()
    now = seen.bounding_box()
    assert now is not None
    assert now["y"] == pytest.approx(before["y"], abs=1)
    assert desk.page.evaluate("timeline.offsetHeight") != height


def test_a_narrower_window_shows_the_same_photos(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes=FakeLibrary(months(5000)).routes())
    desk.page.wait_for_function(SETTLED)
    desk.page.evaluate("scrollTo(0, 0.5 * timeline.offsetHeight)")
    first = in_sight(desk)[0]["path"]
    desk.page.set_viewport_size({"width": 900, "height": 800})
    desk.page.wait_for_function("() => innerWidth === 900")
    desk.still()
    assert first in [one["path"] for one in in_sight(desk)][:8]


def test_the_rail_goes_to_any_month_and_away_when_a_search_comes(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary(months(20_000))
    desk = open_page(routes=library.routes())
    rail = desk.page.get_by_role("slider", name="Go to a month")
    expect(rail).to_be_visible()
    names = list(library.months)
    rail.focus()
    for key, month in (
        ("End", names[-1]),
        ("Home", names[0]),
        ("ArrowDown", names[1]),
        ("PageDown", "2023-12"),
    ):
        desk.page.keyboard.press(key)
        if key != "End":
            expect(desk.page.locator("#timeline h3").first).to_be_attached()
            assert in_sight(desk)[0]["path"].startswith(month)
    expect(rail).to_have_attribute("aria-valuetext", "December 2023")
    box = rail.bounding_box()
    assert box is not None
    desk.page.mouse.move(box["x"] + 30, box["y"] + 10)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2, steps=4)
    expect(desk.page.locator("#rail .now")).to_have_css("opacity", "1")
    said = desk.page.locator("#rail .now").text_content()
    desk.page.mouse.up()
    middle = in_sight(desk)[0]["path"].split("/")[0]
    assert said == desk.page.evaluate(
        "(month) => new Date(`${month}-15`).toLocaleDateString('en-US', { month: 'short', year: 'numeric' })",
        middle,
    )
    assert names.index(middle) == pytest.approx(len(names) / 2, abs=len(names) / 10)
    desk.drawn_results()
    expect(rail).to_be_hidden()
    desk.button("Clear").click()
    expect(rail).to_be_visible()


@pytest.mark.parametrize("each", [30, 400])
def test_the_rail_says_where_a_click_leads_and_where_it_has_led(
    open_page: Callable[..., Desk], each: int
) -> None:
    desk = open_page(routes=FakeLibrary(months(6000, each=each)).routes())
    rail = desk.page.locator("#rail")
    expect(rail).to_be_visible()
    desk.page.wait_for_function(SETTLED)
    box = rail.bounding_box()
    assert box is not None
    says = rail.locator(".now")
    for part in (0.83, 0.31, 0.56, 0.12, 0.7):
        x, y = box["x"] + 30, box["y"] + part * box["height"]
        desk.page.mouse.move(x, y)
        said = says.text_content()
        desk.page.mouse.down()
        desk.page.mouse.up()
        month = in_sight(desk)[0]["path"].split("/")[0]
        assert desk.page.evaluate(SHORT, month) == said
        desk.page.mouse.move(x, y + 1)
        assert says.text_content() == said
        desk.page.mouse.move(x - 200, y)
        assert says.text_content() == said


SHORT = (
    """(month) => new Date(`${month}-15`).toLocaleDateString("en-US", { month: "short", year: "numeric" })"""
)


def test_years_dots_photos_and_the_strip_about_a_run_have_columns_of_their_own(
    open_page: Callable[..., Desk],
) -> None:
    desk = open_page(routes=FakeLibrary(months(20_000, each=150)).routes())
    expect(desk.page.locator("#rail")).to_be_visible()
    photos, years, dots, thumb = desk.page.evaluate(
        """() => { const edges = (query) => { const boxes = [...document.querySelectorAll(query)]
                .map((it) => it.getBoundingClientRect());
            return [Math.min(...boxes.map((it) => it.left)), Math.max(...boxes.map((it) => it.right))]; };
            return ["#timeline", ".marks span:not(:empty)", ".marks span:empty", ".thumb"].map(edges); }"""
    )
    assert photos[1] < years[0] < years[1] < dots[0] < dots[1] < thumb[0]
    desk.page.evaluate(
        """async () => { const { loadStyle } = await import("/web/viewer/styles.js");
            await loadStyle("setup");
            const strip = Object.assign(document.createElement("section"), { className: "strip" });
            document.querySelector("main").before(strip); }"""
    )
    strip, rail = (desk.page.locator(query).bounding_box() for query in (".strip", "#rail"))
    assert strip is not None
    assert rail is not None
    assert strip["x"] + strip["width"] < rail["x"]


def test_arrow_keys_walk_on_into_what_has_not_come_yet(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 3, "2024-06": 210, "2024-05": 2})
    desk = open_page(routes=library.routes())
    desk.page.wait_for_function(SETTLED)
    order = paths_in_order(library)
    focused = "() => document.activeElement.ariaLabel.split(',')[0]"
    desk.page.locator("#timeline .tile").first.focus()
    for key, path in (
        ("ArrowRight", order[1]),
        ("ArrowLeft", order[0]),
        ("ArrowUp", order[0]),
        ("End", order[-1]),
        ("ArrowLeft", order[-2]),
        ("ArrowLeft", order[-3]),
        ("Home", order[0]),
    ):
        desk.page.keyboard.press(key)
        desk.page.wait_for_function(f"(path) => ({focused})() === path", arg=path)
    seen = [0]
    for _ in range(8):
        before = desk.page.evaluate(focused)
        desk.page.keyboard.press("ArrowDown")
        desk.page.wait_for_function(f"(path) => ({focused})() !== path", arg=before)
        seen.append(order.index(desk.page.evaluate(focused)))
    assert seen == sorted(seen)
    expect(desk.page.locator(".tile[tabindex='0']")).to_have_count(1)
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("#viewer .file")).to_have_text(order[seen[-1]].split("/")[1])
    desk.page.keyboard.press("ArrowRight")
    desk.page.keyboard.press("Escape")
    desk.page.wait_for_function(f"(path) => ({focused})() === path", arg=order[seen[-1] + 1])


def test_an_empty_library_shows_the_large_welcome(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes=FakeLibrary({}).routes())
    expect(desk.page.locator("#found.bare #welcome")).to_be_visible()
    expect(desk.page.locator("#timeline")).to_be_hidden()
