"""The examples on the start page: those that the library has photos of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.kit.service.desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser


LEARNED = """(number) => { const kept = JSON.parse(localStorage.getItem("sketchseek-examples"));
    return Object.keys(kept?.known ?? {}).length === number; }"""


@pytest.fixture
def newcomer(browser: Browser) -> Iterator[Desk]:
    """A browser that has never been here."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    yield Desk(page)
    page.context.close()


class Judge:
    """Answers that find only what comes at these places in the order asked."""

    def __init__(self, good: set[int]) -> None:
        self.asked = 0
        self.good = good

    def __call__(self, route: Route) -> None:
        response = route.fetch()
        body = response.json()
        body["results"][0]["relevance"] = 0.9 if self.asked in self.good else 0.1
        self.asked += 1
        route.fulfill(response=response, json=body)


def names(desk: Desk) -> list[str]:
    return desk.page.locator("#examples button").all_text_contents()


def test_examples_that_find_nothing_are_left_out(newcomer: Desk, live_server: LiveServer) -> None:
    judge = Judge({1, 2, 4, 7, 9, 10})
    newcomer.page.route("**/search?k=1", judge)
    newcomer.page.goto(live_server.url)
    heading = newcomer.page.locator("#examples-heading")
    expect(heading).to_have_text("Drawings of what is in your photos")
    assert names(newcomer) == ["Fish", "Car", "Mug", "Flower"]
    assert judge.asked == 8
    newcomer.page.reload()
    expect(newcomer.page.locator("#examples button")).to_have_count(6)
    assert names(newcomer) == ["Fish", "Car", "Mug", "Flower", "Cat", "Tree"]
    assert judge.asked == 16


def test_where_nothing_matches_they_promise_nothing(newcomer: Desk, live_server: LiveServer) -> None:
    judge = Judge(set())
    newcomer.page.route("**/search?k=1", judge)
    newcomer.page.goto(live_server.url)
    heading = newcomer.page.locator("#examples-heading")
    for visit in range(1, 5):
        expect(heading).to_have_text("Try a drawing")
        newcomer.page.wait_for_function(LEARNED, arg=min(28, 8 * visit))
        newcomer.page.reload()
    expect(newcomer.page.locator("#examples button")).to_have_count(8)
    assert names(newcomer)[0] == "Strawberry"
    newcomer.page.wait_for_timeout(300)
    assert judge.asked == 28, "each is asked for once a day"


def test_a_page_in_use_learns_nothing(newcomer: Desk, live_server: LiveServer) -> None:
    judge = Judge(set())
    newcomer.page.route("**/search?k=1", judge)
    newcomer.page.goto(f"{live_server.url}?text=banana")
    expect(newcomer.page.locator("#found[data-state=current]")).to_have_count(1)
    newcomer.page.wait_for_timeout(300)
    assert judge.asked == 0
