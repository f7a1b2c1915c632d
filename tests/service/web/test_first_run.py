"""While the first photos are indexed: honest progress, pausing, what fails, and a page that is opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.newcomer import PICTURES, Newcomer

pytestmark = pytest.mark.browser

Open = Callable[..., Desk]


@pytest.fixture
def newcomer() -> Newcomer:
    """A run over the pictures goes on, and nothing has been published yet."""
    found = Newcomer()
    found.state |= {"configured": True, "folders": [{"path": PICTURES, "photos": 0, "missing": False}]}
    found.runs()
    return found


def strip(desk: Desk) -> Any:
    return desk.page.get_by_role("region", name="Indexing")


def test_progress_is_told_in_words_and_results_come_while_it_goes_on(
    open_page: Open, newcomer: Newcomer
) -> None:
    desk = open_page(routes=newcomer.routes)
    expect(strip(desk)).to_contain_text("Looking for photos…")
    newcomer.runs(1200, 16_840)
    expect(strip(desk)).to_contain_text("1,200 of 16,840 photos · 81 per second · about 3 minutes left")
    expect(strip(desk)).to_contain_text("as soon as the first ones are ready")
    newcomer.runs(2400, 16_840, published=2000)
    expect(strip(desk)).to_contain_text("You can search already: 2,000 photos so far.")
    expect(desk.page.locator("#count")).to_have_text("your 2,000 photos")
    with desk.answered():
        desk.draw((0.2, 0.3), (0.8, 0.3), (0.8, 0.7))
    with desk.page.expect_response("**/search?*"):  # the results are fetched again once there are more photos
        newcomer.runs(9000, 16_840, published=8000)
    newcomer.runs(50, 100, published=8000, what="indexing")
    expect(strip(desk)).to_contain_text("Making your photos searchable: 50 %")
    newcomer.ends(16_838)
    expect(strip(desk)).to_contain_text("Ready: 16,838 photos")
    expect(desk.page.locator("#index-open")).to_have_text("16,838 photos")
    strip(desk).get_by_role("button", name="Close").click()
    expect(strip(desk)).to_be_hidden()
    forgive_failed_requests(desk)


def test_a_run_is_paused_and_goes_on(open_page: Open, newcomer: Newcomer) -> None:
    newcomer.runs(1200, 16_840)
    newcomer.state["folders"][0]["photos"] = 1200
    desk = open_page(routes=newcomer.routes)
    strip(desk).get_by_role("button", name="Pause").click()
    expect(strip(desk)).to_contain_text("Paused")
    expect(strip(desk)).to_contain_text("1,200 photos are done.")
    expect(strip(desk)).not_to_contain_text("left")
    expect(strip(desk).get_by_role("button", name="Resume")).to_be_focused()
    desk.page.reload()
    expect(strip(desk)).to_contain_text("Paused")
    strip(desk).get_by_role("button", name="Resume").click()
    expect(strip(desk)).to_contain_text("Getting to know your photos")
    assert [one for one in newcomer.asked if one.startswith("POST")] == ["POST pause", "POST resume"]
    forgive_failed_requests(desk)


def test_a_run_outlasts_the_server_and_the_page_and_can_be_tried_again(
    open_page: Open, newcomer: Newcomer
) -> None:
    newcomer.runs(1200, 16_840, published=900)
    desk = open_page(routes=newcomer.routes)
    expect(strip(desk)).to_contain_text("1,200 of 16,840 photos")
    for address in newcomer.routes:
        desk.page.route(address, lambda route: route.abort())
    expect(strip(desk)).to_contain_text("The server is not responding")
    expect(desk.page.locator("#index-open")).to_have_text("Not connected")
    for address, handler in newcomer.routes.items():
        desk.page.unroute(address)
        desk.page.route(address, handler)
    newcomer.runs(1300, 16_840, published=900)
    expect(strip(desk)).to_contain_text("1,300 of 16,840 photos")
    forgive_failed_requests(desk)
    desk.page.context.close()
    newcomer.runs(6000, 16_840, published=5000)
    back = open_page(routes=newcomer.routes)
    expect(strip(back)).to_contain_text("6,000 of 16,840 photos")
    expect(strip(back)).to_contain_text("5,000 photos so far")
    expect(back.page.locator("#setup-title")).to_be_hidden()
    fail_and_try_again(back, newcomer)


def fail_and_try_again(desk: Desk, newcomer: Newcomer) -> None:
    newcomer.fails("the disk that holds the index is full: free some space, then start again", 5000)
    expect(strip(desk)).to_contain_text("Indexing has stopped")
    expect(strip(desk)).to_contain_text(
        "The disk that holds the index is full: free some space, then start again."
    )
    expect(strip(desk)).to_contain_text("5,000 photos can be searched.")
    expect(desk.page.locator("#index-open")).to_contain_text("Needs attention")
    newcomer.refusals["POST reindex"] = (409, "already_running", "an index job is already running")
    strip(desk).get_by_role("button", name="Try again").click()
    expect(strip(desk)).to_contain_text("Another window has already started this.")
    newcomer.refusals.clear()
    strip(desk).get_by_role("button", name="Try again").click()
    expect(strip(desk)).to_contain_text("Getting to know your photos")
    forgive_failed_requests(desk)


def test_a_run_elsewhere_and_an_everyday_one_are_left_to_the_header(
    open_page: Open, newcomer: Newcomer
) -> None:
    newcomer.ends(1684)
    newcomer.seen["running"] = True  # another program indexes: this service knows of it from the index alone
    desk = open_page(routes=newcomer.routes)
    lamp = desk.page.locator("#index-open")
    expect(lamp).to_have_text("Indexing…")
    del newcomer.seen["running"]
    newcomer.runs(3, 20, published=1684)
    with desk.page.expect_response("**/admin/library"):
        expect(lamp).to_have_text("Indexing…")
    desk.painted()
    expect(strip(desk)).to_have_count(0)
    newcomer.ends(1684)
    expect(lamp).to_have_text("1,684 photos")
