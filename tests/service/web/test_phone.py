"""The page under a thumb: touch, palm and pen on a narrow screen."""

from __future__ import annotations

import pytest

from tests.kit.service.desk import Desk, expect, pen, touch

pytestmark = pytest.mark.browser


def test_a_finger_draws_and_does_not_scroll_and_a_second_one_draws_nothing(phone: Desk) -> None:
    with phone.answered():
        touch(phone, "touchStart", (0.5, 0.9))
        for step in range(1, 9):
            touch(phone, "touchMove", (0.5, 0.9 - step / 10))
        touch(phone, "touchEnd")
    assert phone.ink() > 0
    assert phone.results()
    assert phone.page.evaluate("scrollY") == 0
    touch(phone, "touchStart", (0.2, 0.2))
    touch(phone, "touchStart", (0.2, 0.2), (0.8, 0.8))
    touch(phone, "touchMove", (0.3, 0.2), (0.8, 0.5))
    touch(phone, "touchEnd")
    expect(phone.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 2 lines drawn")


def test_the_pen_beats_the_palm(phone: Desk) -> None:
    # On a busy machine the palm may come after the time in which it is taken for one.
    phone.page.evaluate("() => { const now = performance.now(); performance.now = () => now; }")
    touch(phone, "touchStart", (0.8, 0.8))
    touch(phone, "touchMove", (0.9, 0.9))
    pen(phone, (0.2, 0.2), (0.3, 0.2), (0.4, 0.2))
    touch(phone, "touchEnd")
    touch(phone, "touchStart", (0.8, 0.8))
    touch(phone, "touchEnd")
    expect(phone.page.locator("#canvas")).to_have_attribute("aria-label", "Drawing area, 1 line drawn")
    with phone.answered():
        phone.page.keyboard.press("Control+Shift+Z")
        pen(phone, (0.2, 0.3), (0.3, 0.3), (0.4, 0.3))
    assert phone.last_drawing().convert("L").crop((300, 300, 512, 512)).getextrema() == (255, 255)


def test_nothing_sticks_out_and_everything_can_be_tapped(phone: Desk) -> None:
    for act in (lambda: None, phone.drawn_results, lambda: phone.page.locator(".tile").first.click()):
        act()
        for width in (320, 360):
            phone.page.set_viewport_size({"width": width, "height": 740})
            phone.still()
            assert phone.page.evaluate("document.documentElement.scrollWidth") <= width
            small = phone.page.evaluate(
                """() => [...document.querySelectorAll("button, label, a")]
                    .filter((it) => it.checkVisibility() && it.getClientRects().length)
                    .map((it) => [it.outerHTML, it.getBoundingClientRect()])
                    .filter(([, box]) => box.width < 44 || box.height < 44)
                    .map(([html, box]) => `${box.width} x ${box.height}: ${html}`)"""
            )
            assert small == [], width
