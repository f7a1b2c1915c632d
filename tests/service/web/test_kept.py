"""Drawings of other days: kept when cleared, saved, brought back, deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.kit.service.bringing import PASTE, encoded, lines
from tests.kit.service.desk import Desk, expect
from tests.kit.shapes import drawing

pytestmark = pytest.mark.browser

FORGETFUL = (
    "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError'); } })"
)


def drawer(desk: Desk) -> Any:
    desk.button("Your drawings").click()
    sheet = desk.page.get_by_role("dialog", name="Your drawings")
    expect(sheet).to_be_visible()
    return sheet


def cleared(desk: Desk, *heights: float) -> None:
    for y in heights:
        desk.draw((0.2, y), (0.8, y))
        desk.button("Clear").click()


def difference(one: Image.Image, other: Image.Image) -> int:
    pixels = zip(one.convert("L").tobytes(), other.convert("L").tobytes(), strict=True)
    return max(abs(a - b) for a, b in pixels)


def test_what_is_cleared_comes_back_after_a_reload_but_for_what_is_deleted(desk: Desk) -> None:
    desk.drawn_results()
    line = desk.last_drawing()
    desk.button("Clear").click()
    expect(drawer(desk).locator(".card")).to_have_count(1)
    desk.page.keyboard.press("Escape")
    with desk.answered():
        desk.page.evaluate(PASTE, ["fish.png", "image/png", encoded(drawing("fish"))])
    with desk.answered():
        desk.draw((0.2, 0.9), (0.8, 0.9))
    picture = desk.last_drawing()
    desk.button("Clear").click()
    cleared(desk, 0.3, 0.6)
    sheet = drawer(desk)
    cards = sheet.locator(".card")
    expect(cards).to_have_count(4)
    sheet.get_by_role("button", name="Save", exact=True).first.click()
    expect(sheet.get_by_role("heading", name="Saved")).to_be_visible()
    sheet.get_by_role("button", name="Delete").nth(1).click()
    expect(cards).to_have_count(3)
    desk.page.keyboard.press("Escape")
    expect(desk.page).to_have_url(re.compile("^[^#]*$"))
    desk.page.reload()
    expect(drawer(desk).get_by_role("heading", name="Saved")).to_be_visible()
    expect(cards).to_have_count(3)
    with desk.answered():
        cards.last.click()
    assert desk.last_drawing().tobytes() == line.tobytes()
    lines(desk, 1)
    desk.button("Undo").click()
    assert desk.ink() == 0
    with desk.answered():
        drawer(desk).locator(".card[aria-label$='2 lines']").click()
    assert difference(desk.last_drawing(), picture) <= 3


def test_the_drawing_on_the_paper_is_kept_when_another_is_brought_back(desk: Desk) -> None:
    desk.draw((0.2, 0.3), (0.8, 0.3))
    desk.button("Clear").click()
    desk.draw((0.2, 0.6), (0.8, 0.6))
    desk.draw((0.2, 0.8), (0.8, 0.8))
    drawer(desk).locator(".card").click()
    lines(desk, 1)
    names = [card.get_attribute("aria-label") for card in drawer(desk).locator(".card").all()]
    assert [name.split(", ")[-1] for name in names if name] == ["2 lines", "1 line"]


def test_only_the_latest_thirty_are_kept_but_all_that_are_saved(desk: Desk) -> None:
    desk.draw((0.2, 0.5), (0.8, 0.5))
    desk.page.keyboard.press("s")
    expect(desk.page.locator("#tool-says")).to_have_text("Saved in your drawings")
    desk.page.keyboard.press("c")
    desk.page.evaluate(
        """async () => {
            const { shelf } = await import("/web/drawing/shelf.js");
            for (let i = 0; i < 33; i += 1) {
                const points = [{ x: 9 * i, y: 300, pressure: 1 }, { x: 256, y: 9 * i, pressure: 1 }];
                await shelf.put({ id: `${i}`, at: i, saved: false, items: [{ width: 7, points }] });
            }
        }"""
    )
    sheet = drawer(desk)
    expect(sheet.locator("section", has_text="Saved").locator(".card")).to_have_count(1)
    expect(sheet.locator("section", has_text="Recent").locator(".card")).to_have_count(30)


def test_what_has_been_done_is_said_for_a_while(open_page: Callable[..., Desk]) -> None:
    desk = open_page(reduced_motion="reduce")
    desk.stop_time()
    says = desk.page.locator("#tool-says")
    desk.draw((0.2, 0.5), (0.8, 0.5))
    desk.page.keyboard.press("s")
    expect(says).to_have_text("Saved in your drawings")
    desk.page.keyboard.press("c")
    expect(says).to_be_hidden()
    desk.draw((0.2, 0.5), (0.8, 0.5))
    desk.page.keyboard.press("s")
    expect(says).to_have_text("Saved in your drawings")
    desk.page.clock.run_for(4500)
    expect(says).to_be_visible()
    desk.page.clock.run_for(1000)
    expect(says).to_be_hidden()
    desk.page.keyboard.press("e")
    desk.page.clock.run_for(60_000)
    expect(says).to_have_text("Rub over ink to erase it")


def test_a_browser_that_keeps_nothing_says_so_and_works(open_page: Callable[..., Desk]) -> None:
    desk = open_page(script=FORGETFUL)
    desk.drawn_results()
    desk.page.keyboard.press("s")
    expect(desk.page.locator("#tool-says")).to_have_text("Saved until you close the page")
    desk.button("Clear").click()
    sheet = drawer(desk)
    expect(sheet).to_contain_text("This browser keeps nothing")
    with desk.answered():
        sheet.locator(".card").click()
    lines(desk, 1)
