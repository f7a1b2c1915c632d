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


def test_each_state_has_its_own_shape_and_words(open_page: Callable[..., Desk], newcomer: Newcomer) -> None:
    shapes = set()
    for health, words in (
        ("ok", "1,684 photos"),
        ("warning", "Needs attention"),
        ("failed", "Needs attention"),
    ):
        newcomer.seen |= {"health": health}
        desk = open_page(routes=newcomer.routes)
        expect(desk.page.locator("#index-open")).to_contain_text(words)
        expect(desk.page.locator("#index-open")).to_have_attribute("data-health", health)
        shapes.add(desk.page.evaluate(SHAPE))
    newcomer.seen |= {"health": "ok", "last_run": {"state": "stopped", "seconds": 1.0}}
    desk = open_page(routes=newcomer.routes)
    expect(desk.page.locator("#index-open")).to_have_attribute("data-health", "paused")
    expect(desk.page.locator("#index-open")).to_have_attribute("title", "Indexing has stopped")
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


def test_what_goes_wrong_later_is_noticed_at_the_next_look(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    desk = open_page(routes=newcomer.routes)
    expect(desk.page.locator("#index-open")).to_have_attribute("data-health", "ok")
    with desk.page.expect_response("**/readyz"):
        desk.page.evaluate(SIGHT)
    newcomer.seen |= {"health": "warning", "problems": ["a photo folder is not there"]}
    desk.page.evaluate(SIGHT)
    expect(desk.page.locator("#index-open")).to_have_attribute("data-health", "warning")
    expect(desk.page.locator("#announcer")).to_have_text("Something needs your attention")
