"""axe looks at every state of the page, on a desk and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.axe import violations
from tests.kit.service.desk import SEARCH, Desk, expect, judged
from tests.kit.service.library import FakeLibrary, months

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(open_page: Callable[..., Desk], width: int) -> None:
    desk = open_page(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    assert violations(desk) == [], "at first"
    desk.draw((0.2, 0.3), (0.8, 0.3))
    desk.button("Clear").click()
    for key, sheet in (("?", "Help"), ("o", "Your drawings")):
        desk.page.keyboard.press(key)
        expect(desk.page.get_by_role("dialog", name=sheet)).to_be_visible()
        assert violations(desk) == [], sheet
        desk.page.keyboard.press("Escape")
    desk.drawn_results()
    with desk.answered():
        desk.page.locator("#text").fill("at night")
    desk.button("Filters").click()
    assert violations(desk) == [], "with results, weights and filters"
    desk.page.locator(".tile").first.click()
    expect(desk.page.locator("#viewer")).to_be_visible()
    desk.page.mouse.move(180, 28)  # over the bars, which go when the mouse rests elsewhere
    assert violations(desk) == [], "with a photo"
    desk.page.keyboard.press("Escape")
    desk.page.locator("#index-open").click()
    panel = desk.page.get_by_role("dialog", name="Your photos")
    expect(panel.locator(".state")).to_contain_text("Everything is up to date")
    assert violations(desk) == [], "with the panel"
    desk.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    for said, route in (("rated", judged(0.9, 0.5, 0.1)), ("nothing close", judged(nothing_close=True))):
        desk.page.route(SEARCH, route)
        with desk.answered():
            desk.page.locator("#text").fill(said)
        assert violations(desk) == [], said


@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_among_the_photos_of_the_library(
    open_page: Callable[..., Desk], width: int
) -> None:
    desk = open_page(
        routes=FakeLibrary(months(1684, each=60)).routes(),
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
    )
    expect(desk.page.locator("#timeline .tile").first).to_be_attached()
    expect(desk.page.locator("#rail")).to_have_attribute("aria-valuetext", "July 2024")
    assert violations(desk) == [], "at first"
    desk.button("Filters").click()
    expect(desk.page.locator("#folders [role=option]").first).to_be_visible()
    assert violations(desk) == [], "with folders to choose from"
    desk.page.locator("#folders [role=option]").nth(1).click()
    with desk.page.expect_response("**/timeline?*after=2020*"):
        desk.page.get_by_label("Taken since: year").fill("2020")
    expect(desk.page.locator("#timeline h3")).to_have_count(1)
    assert violations(desk) == [], "with filters"
    desk.page.locator("#timeline .tile").first.focus()
    for key in ("x", "Shift+ArrowRight"):
        desk.page.keyboard.press(key)
    desk.button("Favourite").click()
    expect(desk.page.locator("#toast")).to_contain_text("2 favourites added")
    assert violations(desk) == [], "with photos chosen"
