"""The button in the header: it tells whether all is well, in words and shapes, and while the server is down."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.newcomer import Newcomer

pytestmark = pytest.mark.browser

SIGHT = """() => document.dispatchEvent(new Event("visibilitychange"))"""
SHAPE = """() => { const it = getComputedStyle(document.querySelector("#index-open .lamp"));
    return [it.clipPath, it.borderRadius, it.boxShadow].join(); }"""


@pytest.fixture
def newcomer() -> Newcomer:
    found = Newcomer()
    found.ends(1684)
    return found


def test_each_state_is_noticed_and_has_its_own_shape_and_words(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    desk = open_page(routes=newcomer.routes)
    lamp = desk.page.locator("#index-open")
    expect(lamp).to_contain_text("1,684 photos")
    expect(lamp).to_have_attribute("data-health", "ok")
    shapes = {desk.page.evaluate(SHAPE)}
    with desk.page.expect_response("**/readyz"):  # what is different at the next look has changed
        desk.page.evaluate(SIGHT)
    for health, problem, words in (
        ("warning", "a photo folder is not there", "Something needs your attention"),
        ("failed", "nothing was indexed", "Something is wrong"),
    ):
        newcomer.seen |= {"health": health, "problems": [problem]}
        desk.page.evaluate(SIGHT)
        expect(lamp).to_have_attribute("data-health", health)
        expect(lamp).to_contain_text("Needs attention")
        expect(desk.page.locator("#announcer")).to_have_text(words)
        shapes.add(desk.page.evaluate(SHAPE))
    stopped = {"state": "stopped", "seconds": 1.0}
    newcomer.seen |= {"health": "ok", "problems": [], "last_run": stopped}
    desk.page.evaluate(SIGHT)
    expect(lamp).to_have_attribute("data-health", "paused")
    expect(lamp).to_have_attribute("title", "Indexing has stopped")
    shapes.add(desk.page.evaluate(SHAPE))
    assert len(shapes) == 4


def test_it_is_not_green_while_the_server_is_down(open_page: Callable[..., Desk], newcomer: Newcomer) -> None:
    desk = open_page(routes=newcomer.routes)
    page = desk.page
    expect(page.locator("#index-open")).to_have_attribute("data-health", "ok")
    for address in newcomer.routes:
        page.route(address, lambda route: route.abort())
    page.evaluate(SIGHT)  # it looks by itself every few seconds, and whenever the page comes into sight
    expect(page.locator("#index-open")).to_have_attribute("data-health", "away")
    expect(page.locator("#index-open")).to_have_text("Not connected")
    expect(page.locator("#announcer")).to_have_text("The server is not responding")
    page.locator("#index-open").click()
    panel = page.get_by_role("dialog", name="Your photos")
    expect(panel.locator(".state")).to_contain_text("The server is not responding")
    expect(panel.get_by_role("button", name="Enter an admin key")).to_be_hidden()
    for address, handler in newcomer.routes.items():
        page.unroute(address)
        page.route(address, handler)
    expect(panel.locator(".state")).to_contain_text("Everything is up to date")
    page.keyboard.press("Escape")
    expect(page.locator("#index-open")).to_have_text("1,684 photos")
    forgive_failed_requests(desk)
