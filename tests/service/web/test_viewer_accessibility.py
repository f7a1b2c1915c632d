"""axe looks at every state of the viewer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.axe import violations
from tests.kit.service.desk import Desk, expect
from tests.kit.service.viewing import near_duplicates, opened

FOCUSED = "() => document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
SIZES = [(360, 740), (740, 360), (1280, 800)]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_axe_finds_nothing_around_a_photo(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, fields={"duplicates": ["a"], "relevance": 0.9})
    desk.page.route("**/photos/*/group", near_duplicates(desk))
    for size in SIZES:
        desk.page.set_viewport_size({"width": size[0], "height": size[1]})
        desk.page.mouse.move(180, 28)  # over the bars, which go when the mouse rests elsewhere
        desk.still()
        assert wrong(desk) == [], f"a photo, {size}"
        desk.button("More").click()
        assert wrong(desk) == [], f"the menu, {size}"
        desk.page.keyboard.press("Escape")
        desk.page.locator("[data-do=group]").click()
        expect(desk.page.locator("#viewer .siblings button")).to_have_count(3)
        assert wrong(desk) == [], f"near-duplicates, {size}"
        desk.page.keyboard.press("i")
        expect(desk.page.locator(".details .map")).to_be_visible()
        assert wrong(desk) == [], f"details, {size}"
        desk.page.keyboard.press("i")
        desk.page.keyboard.press("h")
        expect(desk.page.locator(".toast")).to_be_visible()
        assert wrong(desk) == [], f"a message, {size}"
        desk.button("Search in this photo").click()
        expect(desk.page.locator(".region")).to_be_focused()
        assert wrong(desk) == [], f"a region, {size}"
        desk.page.keyboard.press("Escape")
        expect(desk.page.locator(".region")).to_be_hidden()


def wrong(desk: Desk) -> list[str]:
    return violations(desk, themes=("light",))  # the viewer is dark in either


def test_every_control_can_be_reached_and_has_a_name(open_page: Callable[..., Desk]) -> None:
    desk = opened(open_page, fields={"duplicates": ["a"]})
    desk.page.keyboard.press("i")
    expect(desk.page.locator(".details .map")).to_be_visible()
    wanted = desk.page.evaluate(
        """() => [...document.querySelectorAll("#viewer :is(button, a[href])")]
            .filter((it) => it.checkVisibility()).map((it) => it.ariaLabel ?? it.textContent.trim())"""
    )
    reached = []
    for _ in wanted:
        reached.append(desk.page.evaluate(FOCUSED))
        desk.page.keyboard.press("Tab")
    assert all(wanted)
    assert sorted(reached) == sorted(wanted)
