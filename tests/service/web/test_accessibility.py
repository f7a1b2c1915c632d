"""axe looks at every state of the page, on a desk and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.desk import SEARCH, Desk, expect, judged

pytestmark = [pytest.mark.browser, pytest.mark.slow]

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python (extra: dev)"
)


def violations(desk: Desk) -> list[str]:
    # Between two themes of one fade, colours are whatever they are.
    desk.page.wait_for_timeout(300)
    found = axe.Axe().run(desk.page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(open_page: Callable[..., Desk], theme: str, width: int) -> None:
    desk = open_page(color_scheme=theme, viewport={"width": width, "height": 800}, reduced_motion="reduce")
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
    assert violations(desk) == [], "with a photo"
    desk.page.keyboard.press("Escape")
    desk.page.locator("#index-open").click()
    assert violations(desk) == [], "with the panel"
    desk.page.keyboard.press("Escape")
    for said, route in (("rated", judged(0.9, 0.5, 0.1)), ("nothing close", judged(nothing_close=True))):
        desk.page.route(SEARCH, route)
        with desk.answered():
            desk.page.locator("#text").fill(said)
        assert violations(desk) == [], said
