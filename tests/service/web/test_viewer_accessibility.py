"""axe looks at every state of the viewer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.axe import violations
from tests.kit.service.desk import Desk, expect
from tests.kit.service.viewing import near_duplicates, opened

FOCUSED = "() => document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("size", [(360, 740), (740, 360), (1280, 800)])
def test_axe_finds_nothing_around_a_photo(open_page: Callable[..., Desk], size: tuple[int, int]) -> None:
    viewport = {"width": size[0], "height": size[1]}
    desk = opened(open_page, viewport=viewport, fields={"duplicates": ["a"], "relevance": 0.9})
    desk.page.route("**/photos/*/group", near_duplicates(desk))
    assert violations(desk) == [], "a photo"
    desk.page.mouse.move(size[0] / 2, size[1] / 2)  # the bars may have gone meanwhile
    desk.button("More").click()
    assert violations(desk) == [], "the menu"
    desk.page.keyboard.press("Escape")
    desk.page.locator("[data-do=group]").click()
    expect(desk.page.locator("#viewer .siblings button")).to_have_count(3)
    assert violations(desk) == [], "near-duplicates"
    desk.page.keyboard.press("i")
    expect(desk.page.locator(".details .map")).to_be_visible()
    assert violations(desk) == [], "details"
    desk.page.keyboard.press("i")
    desk.page.keyboard.press("h")
    expect(desk.page.locator(".toast")).to_be_visible()
    assert violations(desk) == [], "a message"
    desk.button("Search in this photo").click()
    expect(desk.page.locator(".region")).to_be_focused()
    assert violations(desk) == [], "a region"


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
        reached.append(
            desk.page.evaluate(
                "document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
            )
        )
        desk.page.keyboard.press("Tab")
    assert all(wanted)
    assert sorted(reached) == sorted(wanted)
