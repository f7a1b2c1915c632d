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


def held_first(desk: Desk) -> list[Route]:
    """The searches from now on, of which the first is not answered."""
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    desk.page.route(SEARCH, hold_the_first)
    return held


def test_an_old_answer_never_overwrites_a_new_one(desk: Desk) -> None:
    held = held_first(desk)
    with desk.page.expect_request(SEARCH):
        desk.at_one_go((0.2, 0.2), (0.8, 0.2))
    desk.page.wait_for_timeout(600)
    assert (len(held), desk.results()) == (1, [])
    with desk.answered():
        desk.draw((0.2, 0.8), (0.8, 0.8))
    expect(desk.page.locator(".tile").first).to_be_visible()
    newest = desk.results()
    with contextlib.suppress(PlaywrightError):  # the browser may have let go of the request it aborted
        held[0].fulfill(json={"results": [], "total_searched": 0, "took_ms": {"total": 1}})
    desk.page.wait_for_timeout(300)
    assert desk.results() == newest


def test_an_answer_to_words_that_have_changed_since_is_not_current(desk: Desk) -> None:
    held = held_first(desk)
    desk.stop_time()
    words, found = desk.page.locator("#text"), desk.page.locator("#found")
    with desk.page.expect_request(SEARCH):
        words.fill("a yellow banana")
        desk.page.clock.run_for(500)
    # Whoever types on is given some time; by then, the answer to the first words has come.
    words.fill("a yellow banana on a plate")
    held[0].continue_()
    expect(found).to_have_attribute("data-state", "outdated")
    desk.page.clock.run_for(500)
    expect(found).to_have_attribute("data-state", "current")
    assert len(held) == 2


def test_an_answer_that_outlives_its_abort_is_dropped_all_the_same(module_page: Desk) -> None:
    outcome = module_page.page.evaluate(
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
    # A slow browser asks twice during one line.
    expect(desk.page.locator("#found[data-state=failed]")).to_have_count(1)
    expect(desk.page.get_by_role("alert")).to_contain_text("The drawing is empty: draw a line first.")
    desk.page.unroute(SEARCH)
    with desk.answered():
        desk.button("Try again").click()
    expect(desk.page.get_by_role("alert")).to_be_hidden()
    assert desk.results()
    forgive_failed_requests(desk)


def test_trouble_that_passes_is_waited_out(desk: Desk) -> None:
    passing = {
        "Your photos are not ready yet": (problem(503, "no index yet"), (0.2, 0.8), (0.8, 0.8)),
        "One moment": (problem(429, "slow down"), (0.2, 0.4), (0.4, 0.9)),
        "The server is not responding": (lambda route: route.abort(), (0.5, 0.4), (0.3, 0.9)),
    }
    found = desk.drawn_results()
    for says, (handler, *line) in passing.items():
        desk.page.route(SEARCH, handler)
        desk.draw(*line)
        expect(desk.page.get_by_role("alert")).to_contain_text(says)
        assert desk.results() == found
        with desk.page.expect_event("response", lambda r: "/search" in r.url and r.ok):
            desk.page.unroute(SEARCH)
        expect(desk.page.get_by_role("alert")).to_be_hidden()
        expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
        assert desk.results() != found, says
        found = desk.results()
    forgive_failed_requests(desk)


def test_a_server_without_an_index_is_noticed_before_the_first_line(open_page: Callable[..., Desk]) -> None:
    reasons = {"ready": False, "reasons": ["nothing has been indexed"]}
    desk = open_page(routes={"**/readyz": lambda route: route.fulfill(status=503, json=reasons)})
    expect(desk.page.get_by_role("alert")).to_contain_text("Nothing has been indexed.")
    desk.page.unroute("**/readyz")
    expect(desk.page.get_by_role("alert")).to_be_hidden()
    expect(desk.page.locator("#count")).to_have_text(re.compile(r"^your \d+ photos$"))
    forgive_failed_requests(desk)


def test_a_pen_that_rests_has_its_answer_before_it_is_lifted_and_another_if_it_goes_on(desk: Desk) -> None:
    desk.page.mouse.move(*desk.at((0.2, 0.3)))
    desk.page.mouse.down()
    with desk.page.expect_response(SEARCH):
        desk.page.mouse.move(*desk.at((0.8, 0.3)))  # at one go: whoever is slow rests nowhere else
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    found, asked = desk.results(), desk.last_strokes()
    searches = sum("/search?" in address for address in desk.addresses)
    desk.page.mouse.up()
    desk.page.wait_for_function(
        "() => location.hash.startsWith('#d=')"
    )  # written after what has been searched
    assert (desk.results(), desk.last_strokes()) == (found, asked)
    assert sum("/search?" in address for address in desk.addresses) == searches
    desk.page.mouse.move(*desk.at((0.2, 0.5)))
    desk.page.mouse.down()
    with desk.page.expect_response(SEARCH):
        desk.page.mouse.move(*desk.at((0.8, 0.5)), steps=6)
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    rested = desk.last_strokes()
    assert rested != asked
    with desk.answered():
        desk.page.mouse.move(*desk.at((0.8, 0.9)), steps=6)
        desk.page.mouse.up()
    desk.page.wait_for_function("(before) => window.lastBody.get('strokes') !== before", arg=rested)
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)


def test_a_lifted_pen_asks_before_the_browser_does_anything_else(desk: Desk) -> None:
    desk.page.evaluate(
        """() => {
            window.order = [];
            addEventListener("pointerup", () => { setTimeout(() => order.push("next task")); }, true);
            const fetched = window.fetch;
            window.fetch = (to, ...rest) => {
                if (String(to).startsWith("search?")) order.push("asked");
                return fetched(to, ...rest);
            };
        }"""
    )
    desk.page.mouse.move(*desk.at((0.2, 0.3)))
    desk.page.mouse.down()
    desk.page.mouse.move(*desk.at((0.8, 0.3)))
    desk.page.evaluate("() => { order.length = 0; }")
    desk.page.mouse.up()
    desk.page.wait_for_function("() => order.includes('next task')")
    order = desk.page.evaluate("order")
    # Where the browser was so slow that the pen has rested, nothing is left to ask.
    assert order[:2] in (["asked", "next task"], ["next task"])


def test_the_same_question_gets_the_same_answer_unless_asked_again(module_page: Desk) -> None:
    outcome = module_page.page.evaluate(
        """async () => {
            const { SearchClient } = await import("/web/service/server.js");
            let asked = 0;
            const failed = () => new Response("", { status: 500 });
            const answers = [() => Response.json("one"), failed, () => Response.json("three")];
            const client = new SearchClient(async () => answers[Math.min(asked++, 2)]());
            const form = (text) => { const made = new FormData(); made.append("text", text); return made; };
            const search = (text, how) => client.search(form(text), how).catch(({ status }) => status);
            const found = [await search("a", { again: false }), await search("a", { again: false }), asked];
            found.push(await search("a", { again: true }), asked);
            found.push(await search("a", { again: false }), asked, await search("b", { again: false }), asked);
            client.cancel();
            found.push(await search("b", { again: false }), asked);
            return found;
        }"""
    )
    assert outcome == ["one", "one", 1, 500, 2, "three", 3, "three", 4, "three", 5]


def test_an_answer_on_its_way_is_not_asked_for_twice(module_page: Desk) -> None:
    outcome = module_page.page.evaluate(
        """async () => {
            const { SearchClient } = await import("/web/service/server.js");
            const waiting = [];
            const asked = (_, { signal }) => new Promise((answer) => waiting.push({ answer, signal }));
            const client = new SearchClient(asked);
            const tick = () => new Promise((done) => setTimeout(done));
            const form = (text) => { const made = new FormData(); made.append("text", text); return made; };
            const first = client.search(form("a"), { again: false });
            await tick();
            const second = client.search(form("a"), { again: false });
            await tick();
            waiting[0].answer(Response.json("found"));
            const found = [await first, await second, waiting.length, waiting[0].signal.aborted];
            client.search(form("b"), { again: false });
            await tick();
            return [...found, waiting.length];
        }"""
    )
    assert outcome == [None, "found", 1, False, 2]
