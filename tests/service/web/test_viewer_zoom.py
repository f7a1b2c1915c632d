"""Zooming and moving a photo: wheel, keys, mouse and fingers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.service.desk import Desk, expect
from tests.kit.service.viewing import finger, frame, opened, sharp, swipe

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
BARE = "() => document.querySelector('#viewer').classList.contains('bare')"

# On a busy machine the second tap may arrive after the time of the first is over.
HOLD_TIMERS = """() => {
  window.held = new Map();
  window.setTimeout = (does) => { window.held.set(window.held.size + 1, does); return window.held.size; };
  window.clearTimeout = (timer) => window.held.delete(timer);
}"""


def share_at(desk: Desk, x: float, y: float) -> tuple[float, float]:
    """Which place of the photo is at a point of the window."""
    box = frame(desk)
    return (x - box["left"]) / box["width"], (y - box["top"]) / box["height"]


def file(desk: Desk) -> str:
    return desk.page.locator("#viewer .file").text_content() or ""


def test_the_wheel_zooms_to_the_pointer_and_dragging_moves_only_what_is_zoomed(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page)
    sharp(desk, 1280)
    fitted = frame(desk)["width"]
    desk.page.mouse.move(500, 300)
    before = share_at(desk, 500, 300)
    desk.page.mouse.wheel(0, -400)
    sharp(desk, 4000)
    assert frame(desk)["width"] > 2 * fitted
    assert share_at(desk, 500, 300) == pytest.approx(before, abs=0.002)
    desk.page.mouse.wheel(0, 4000)
    desk.page.wait_for_function(
        "(width) => Math.abs(document.querySelector('.frame').getBoundingClientRect().width - width) < 1",
        arg=fitted,
    )
    desk.still()
    whole, name = frame(desk), file(desk)
    desk.page.mouse.move(600, 400)
    desk.page.mouse.down()
    desk.page.mouse.move(300, 300, steps=4)
    desk.page.mouse.up()
    assert frame(desk) == pytest.approx(whole, abs=0.5)
    assert file(desk) == name
    desk.page.mouse.dblclick(640, 400)
    before = frame(desk)
    desk.page.mouse.move(600, 400)
    desk.page.mouse.down()
    desk.page.mouse.move(500, 350, steps=4)
    moved = frame(desk)
    assert (moved["left"] - before["left"], moved["top"] - before["top"]) == pytest.approx((-100, -50), abs=1)
    desk.page.mouse.move(4000, 3000, steps=4)
    desk.page.mouse.up()
    assert (frame(desk)["left"], frame(desk)["top"]) == pytest.approx((0, 0), abs=1)
    expect(desk.page.locator("#viewer")).to_be_visible()


def test_a_double_click_shows_every_pixel_and_the_next_all_of_the_photo(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page, device_scale_factor=2)
    fitted = frame(desk)
    before = share_at(desk, 700, 500)
    desk.page.mouse.dblclick(700, 500)
    assert frame(desk)["width"] == pytest.approx(4000 / 2, abs=1)
    assert share_at(desk, 700, 500) == pytest.approx(before, abs=0.002)
    desk.page.mouse.dblclick(700, 500)
    assert frame(desk) == pytest.approx(fitted, abs=0.5)


def test_keys_zoom_and_move_and_still_turn(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, nth=2)
    fitted, name = frame(desk), file(desk)
    for key in ("+", "=", "+"):
        desk.page.keyboard.press(key)
    large = frame(desk)
    assert large["width"] == pytest.approx(1.5**3 * fitted["width"], rel=0.01)
    desk.page.keyboard.press("ArrowRight")
    moved = frame(desk)
    assert moved["left"] < large["left"] - 50
    assert file(desk) == name
    for _ in range(30):
        desk.page.keyboard.press("ArrowRight")
        desk.page.keyboard.press("ArrowDown")
    assert frame(desk)["right"] == pytest.approx(1280, abs=1)
    assert frame(desk)["bottom"] == pytest.approx(800, abs=1)
    desk.page.keyboard.press("-")
    assert frame(desk)["width"] < large["width"]
    desk.page.keyboard.press("0")
    assert frame(desk) == pytest.approx(fitted, abs=0.5)
    desk.page.keyboard.press("+")
    desk.page.keyboard.press("PageDown")
    expect(desk.page.locator("#viewer .file")).not_to_have_text(name)
    assert frame(desk)["width"] == pytest.approx(fitted["width"], abs=0.5), "the next photo is fitted"


def test_two_fingers_zoom_and_one_moves_what_is_zoomed_else_turns_or_closes(
    open_page: Callable[..., Desk],
) -> None:
    desk = opened(open_page, nth=2, **PHONE)
    fitted, name = frame(desk), file(desk)
    finger(desk, "touchStart", (150, 370))
    finger(desk, "touchStart", (150, 370), (210, 370))
    before = share_at(desk, 180, 370)
    for apart in (40, 60, 90):
        finger(desk, "touchMove", (180 - apart, 370), (180 + apart, 370))
    finger(desk, "touchEnd")
    large = frame(desk)
    assert large["width"] == pytest.approx(3 * fitted["width"], rel=0.05)
    assert share_at(desk, 180, 370) == pytest.approx(before, abs=0.02)
    swipe(desk, (300, 370), (200, 370))
    assert frame(desk)["left"] == pytest.approx(large["left"] - 100, abs=10)
    assert file(desk) == name, "a swipe does not turn a zoomed photo"
    desk.page.keyboard.press("0")
    desk.still()
    assert frame(desk) == pytest.approx(fitted, abs=0.5)
    names = [label.split(": ")[1].split(",")[0].split("/")[-1] for label in desk.results()]
    swipe(desk, (300, 370), (100, 380))
    expect(desk.page.locator("#viewer .file")).to_have_text(names[3])
    swipe(desk, (100, 370), (300, 360))
    expect(desk.page.locator("#viewer .file")).to_have_text(names[2])
    swipe(desk, (200, 370), (180, 372))
    assert frame(desk) == pytest.approx(fitted, abs=0.5)
    swipe(desk, (180, 300), (185, 360))
    expect(desk.page.locator("#viewer")).to_be_visible()
    swipe(desk, (180, 300), (190, 500))
    expect(desk.page.locator("#viewer")).to_be_hidden()
    expect(desk.page.locator("#results .tile").nth(2)).to_be_focused()


def test_a_tap_hides_the_bars_and_a_double_tap_zooms(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, **PHONE)
    fitted = frame(desk)["width"]
    desk.page.touchscreen.tap(180, 300)
    desk.page.wait_for_function(BARE)
    assert not desk.page.locator("#viewer .deeds").is_visible() or (
        desk.page.locator("#viewer .deeds").evaluate("(it) => getComputedStyle(it).opacity") == "0"
    )
    desk.page.touchscreen.tap(180, 300)
    desk.page.wait_for_function(f"() => !({BARE})()")
    stamp = desk.page.evaluate("() => Date.now() / 1000 + 1")
    desk.page.evaluate(HOLD_TIMERS)
    for after in (0.0, 0.1):
        for kind, places in (("touchStart", [{"x": 180, "y": 300}]), ("touchEnd", [])):
            touch = {"type": kind, "touchPoints": places, "timestamp": stamp + after}
            desk.devtools.send("Input.dispatchTouchEvent", touch)
    desk.page.wait_for_function(
        "(width) => document.querySelector('.frame').getBoundingClientRect().width > 2 * width", arg=fitted
    )
    desk.page.evaluate("() => [...window.held.values()].forEach((does) => does())")
    assert not desk.page.evaluate(BARE)
    # Browsers add this event to a double tap if it was quick.
    desk.page.locator("#viewer .stage").dispatch_event("dblclick", {"clientX": 180, "clientY": 300})
    assert frame(desk)["width"] > 2 * fitted
