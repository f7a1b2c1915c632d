"""From line to answer: the order of answers, waiting, trouble and recovery."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.kit.service.desk import SEARCH, Desk, PlaywrightError, expect, forgive_failed_requests, problem

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser


def test_an_old_answer_never_overwrites_a_new_one(desk: Desk) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    desk.page.route(SEARCH, hold_the_first)
    desk.draw((0.2, 0.2), (0.8, 0.2))
    desk.page.wait_for_timeout(600)
    assert (len(held), desk.results()) == (1, [])
    with desk.page.expect_response(SEARCH):
        desk.draw((0.2, 0.8), (0.8, 0.8))
    expect(desk.page.locator(".tile").first).to_be_visible()
    newest = desk.results()
    with contextlib.suppress(PlaywrightError):  # the browser may have let go of the request it aborted
        held[0].fulfill(json={"results": [], "total_searched": 0, "took_ms": {"total": 1}})
    desk.page.wait_for_timeout(300)
    assert desk.results() == newest


def test_an_answer_that_outlives_its_abort_is_dropped_all_the_same(desk: Desk) -> None:
    outcome = desk.page.evaluate(
        """async () => {
            const { SearchClient } = await import("/web/service/server.js");
            const waiting = [];
            const client = new SearchClient(() => new Promise((answer) => waiting.push(answer)));
            const tick = () => new Promise((done) => setTimeout(done));
            const first = client.search(new FormData());
            await tick();
            const second = client.search(new FormData());
            await tick();
            waiting[1](Response.json("new"));
            waiting[0](Response.json("old"));
            return [await first, await second];
        }"""
    )
    assert outcome == [None, "new"]


def test_old_results_are_dimmed_only_while_the_next_take_long(desk: Desk) -> None:
    desk.drawn_results()
    held: list[Route] = []
    desk.page.route(SEARCH, lambda route: held.append(route))
    desk.draw((0.2, 0.8), (0.8, 0.8))
    desk.page.wait_for_function("() => Number(getComputedStyle(results).opacity) < 0.6")
    assert desk.results(), "the old ones stay in sight"
    # A slow browser has drawn so slowly that it asked twice, and given the first up.
    desk.page.unroute(SEARCH)
    for route in held:
        with contextlib.suppress(PlaywrightError):
            route.continue_()
    desk.page.wait_for_function("() => Number(getComputedStyle(results).opacity) === 1")
    delay = desk.page.evaluate(
        "() => { found.dataset.state = 'asking'; return getComputedStyle(results).transitionDelay; }"
    )
    assert delay == "0.15s"


def test_a_refused_drawing_is_explained_and_can_be_tried_again(desk: Desk) -> None:
    desk.page.route(SEARCH, problem(422, "the drawing is empty: draw a line first"))
    desk.draw((0.2, 0.2), (0.8, 0.2))
    expect(desk.page.get_by_role("alert")).to_contain_text("The drawing is empty: draw a line first.")
    desk.page.unroute(SEARCH)
    with desk.answered():
        desk.button("Try again").click()
    expect(desk.page.get_by_role("alert")).to_be_hidden()
    assert desk.results()
    forgive_failed_requests(desk)


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (problem(503, "no index yet"), "Your photos are not ready yet"),
        (problem(429, "slow down"), "One moment"),
        (lambda route: route.abort(), "The server is not responding"),
    ],
    ids=["no index", "too many", "gone"],
)
def test_trouble_that_passes_is_waited_out(desk: Desk, handler: Callable[[Route], None], says: str) -> None:
    found = desk.drawn_results()
    desk.page.route(SEARCH, handler)
    desk.draw((0.2, 0.8), (0.8, 0.8))
    expect(desk.page.get_by_role("alert")).to_contain_text(says)
    assert desk.results() == found
    with desk.page.expect_event("response", lambda r: "/search" in r.url and r.ok):
        desk.page.unroute(SEARCH)
    expect(desk.page.get_by_role("alert")).to_be_hidden()
    assert desk.results() != found
    forgive_failed_requests(desk)


def test_a_server_without_an_index_is_noticed_before_the_first_line(open_page: Callable[..., Desk]) -> None:
    reasons = {"ready": False, "reasons": ["nothing has been indexed"]}
    desk = open_page(routes={"**/readyz": lambda route: route.fulfill(status=503, json=reasons)})
    expect(desk.page.get_by_role("alert")).to_contain_text("Nothing has been indexed.")
    desk.page.unroute("**/readyz")
    expect(desk.page.get_by_role("alert")).to_be_hidden()
    expect(desk.page.locator("#count")).to_have_text(re.compile(r"^your \d+ photos$"))
    forgive_failed_requests(desk)
