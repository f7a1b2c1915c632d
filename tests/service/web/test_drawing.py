"""Lines on the paper: pens, undo and redo, and what the server is sent."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.kit.service.desk import SEARCH, Desk, expect, judged, pen
from tests.kit.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser


def test_a_line_finds_photos_and_another_changes_them(desk: Desk) -> None:
    desk.page.route(SEARCH, judged())
    first = desk.drawn_results()
    with desk.answered():
        desk.draw((0.2, 0.9), (0.9, 0.1))
    assert len(first) > 1
    assert desk.results() != first
    expect(desk.page.locator("#figures")).to_have_text(re.compile(r"^\d+ of 30 photos$"))
    expect(desk.page.get_by_role("status")).to_have_text(f"{len(first)} photos found")


def test_the_server_gets_512_pixels_dark_on_white_in_either_theme(open_page: Callable[..., Desk]) -> None:
    pixels = []
    for theme, scale in (("light", 1), ("dark", 2)):
        desk = open_page(color_scheme=theme, device_scale_factor=scale)
        desk.drawn_results()
        picture = desk.last_drawing().convert("L")
        assert picture.size == (512, 512)
        assert (picture.getpixel((0, 0)), picture.getpixel((256, 154))) == (255, 0)
        pixels.append(picture.tobytes())
    assert pixels[0] == pixels[1]


def test_a_long_stroke_is_searched_before_it_ends(desk: Desk) -> None:
    desk.page.mouse.move(*desk.at((0.1, 0.5)))
    desk.page.mouse.down()
    with desk.page.expect_response(SEARCH):
        for step in range(30):
            desk.page.mouse.move(*desk.at((0.1 + step / 40, 0.5)))
            desk.page.wait_for_timeout(40)
    expect(desk.page.locator(".tile").first).to_be_visible()
    desk.page.mouse.up()
    # Where the browser is slow, the whole stroke has been searched already.
    desk.page.wait_for_function("() => location.hash.startsWith('#d=')")
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)


def test_undo_and_redo_by_button_and_by_keyboard_and_after_clearing(desk: Desk) -> None:
    desk.drawn_results()
    one = desk.ink()
    desk.draw((0.2, 0.8), (0.8, 0.8))
    two = desk.ink()
    assert 0 < one < two
    desk.button("Undo").click()
    assert desk.ink() == one
    desk.button("Redo").click()
    assert desk.ink() == two
    for keys, left in (("Control+z", one), ("Control+Shift+Z", two), ("Meta+z", one), ("Control+y", two)):
        desk.page.keyboard.press(keys)
        assert desk.ink() == left
    desk.button("Clear").click()
    assert desk.ink() == 0
    expect(desk.page.locator("#welcome")).to_be_visible()
    assert desk.results() == []
    with desk.answered():
        desk.button("Undo").click()
    assert desk.ink() == two
    assert desk.results()


def test_pen_sizes_and_pressure_change_the_line(desk: Desk) -> None:
    inks = []
    for name in ("Fine pen", "Medium pen", "Broad pen"):
        desk.page.get_by_role("radio", name=name).check(force=True)
        desk.draw((0.2, 0.5), (0.8, 0.5))
        inks.append(desk.ink())
        desk.button("Clear").click()
    for force in (0.1, 0.9):
        pen(desk, *((x / 10, 0.5) for x in range(2, 9)), force=force)
        inks.append(desk.ink())
        desk.button("Clear").click()
    fine, medium, broad, light, firm = inks
    assert fine < medium < broad
    assert light < broad < firm


def test_drawing_survives_a_new_size_and_a_new_theme(desk: Desk) -> None:
    desk.draw((0.2, 0.2), (0.8, 0.8))
    desk.page.set_viewport_size({"width": 800, "height": 700})
    desk.page.emulate_media(color_scheme="dark")
    assert desk.ink() > 0
    x, y = desk.at((0.5, 0.5))
    shot = desk.page.screenshot(clip={"x": x - 1, "y": y - 1, "width": 3, "height": 3})
    middle = Image.open(io.BytesIO(shot)).convert("L").crop((1, 1, 2, 2)).tobytes()
    assert middle[0] > 200, "the ink is light on dark paper"


def test_an_example_is_drawn_as_strokes_and_searched_and_at_once_without_motion(desk: Desk) -> None:
    canvas = desk.page.locator("#canvas")
    with desk.answered():
        desk.button("Strawberry").click()
    expect(canvas).to_have_attribute("aria-label", "Drawing area, 19 lines drawn")
    assert desk.results()
    desk.button("Undo").click()
    expect(canvas).to_have_attribute("aria-label", "Drawing area, 18 lines drawn")
    desk.button("Clear").click()
    desk.page.emulate_media(reduced_motion="reduce")
    desk.page.evaluate("() => [...document.querySelectorAll('#examples button')].at(1).click()")
    assert canvas.get_attribute("aria-label") == "Drawing area, 8 lines drawn"


def test_what_is_drawn_before_the_page_is_complete_is_searched_for(
    browser: Browser, live_server: LiveServer
) -> None:
    """Whoever draws at once loses nothing: the paper is there before all else."""
    held: list[Route] = []
    with contextlib.closing(browser.new_context(viewport={"width": 1280, "height": 800})) as context:
        page = context.new_page()
        page.route("**/web/app.js", lambda route: held.append(route))
        page.goto(live_server.url, wait_until="commit")
        until(lambda: page.evaluate("performance.getEntriesByName('drawable').length > 0"))
        desk = Desk(page)
        desk.draw((0.3, 0.3), (0.7, 0.3), (0.7, 0.7))
        assert desk.ink() > 0
        drawn = desk.ink()
        with desk.answered():
            held[0].continue_()
        assert desk.ink() == drawn
        expect(page.locator("#found[data-state=current]")).to_have_count(1)
        expect(page).to_have_url(re.compile("#d="))
