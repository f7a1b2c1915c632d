"""The panel about the index: facts, skipped files, a new run and its key; and an index that changes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.asgi import keys
from tests.kit.service.desk import Desk, expect
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_new_run_is_started_watched_and_taken_up(browser: Browser, own_server: LiveServer) -> None:
    picture("star", 77).save(own_server.photos / "new.png")
    (own_server.photos / "bad.png").write_text("no picture")
    desk = Desk(browser.new_context().new_page())
    page = desk.page
    page.goto(own_server.url)
    desk.drawn_results()
    page.get_by_role("button", name="30 photos").click()
    panel = page.get_by_role("dialog", name="Your photos")
    expect(panel).to_contain_text("30 added")
    desk.button("Check for new photos").click()
    expect(panel.locator("#job-says")).to_have_text("Done: 1 added.", timeout=60_000)
    expect(panel).to_contain_text("1 file skipped")
    expect(panel.locator("#skipped-list")).to_contain_text("bad.png not a picture")
    page.keyboard.press("Escape")
    expect(page.locator("#index-open")).to_have_text("31 photos")
    expect(page.locator("#figures")).to_contain_text("31 photos")
    assert desk.problems == []
    page.context.close()


def test_a_new_run_needs_an_admin_key(browser: Browser, live_server: LiveServer) -> None:
    (key, entry), (admin, its_entry) = keys.make(admin=False), keys.make(admin=True)
    with listening(live_server.gallery, api_keys=f"{entry},{its_entry}") as url:
        desk = Desk(browser.new_context().new_page())
        page = desk.page
        page.goto(url)
        desk.draw((0.2, 0.3), (0.8, 0.3), (0.8, 0.7))
        page.locator("#key-input").fill("wrong")
        page.locator("#key-input").press("Enter")
        expect(page.locator("#key .wrong")).to_contain_text("That key is not valid")
        page.locator("#key-input").fill(key)
        page.locator("#key-input").press("Enter")
        page.get_by_role("button", name="30 photos").click()
        desk.button("Check for new photos").click()
        expect(page.get_by_role("dialog", name="This needs an admin key")).to_be_visible()
        page.locator("#key-input").fill(admin)
        page.locator("#key-input").press("Enter")
        expect(page.locator("#job-says")).not_to_be_empty()
        expect(page.locator("#reindex")).to_be_enabled(timeout=60_000)
        assert not [told for told in desk.problems if "401" not in told and "403" not in told]
        page.context.close()


def test_a_run_elsewhere_shows(open_page, live_server: LiveServer) -> None:  # type: ignore[no-untyped-def]
    told = {"photos": 30, "generation": "000001", "published": "2026-01-01T00:00:00+00:00", "running": True}
    told |= {"last_run": None, "skipped": [], "skipped_total": 0, "problem": None}
    desk = open_page(routes={"**/index": lambda route: route.fulfill(json=told)})
    expect(desk.page.locator("#index-open")).to_have_text("Indexing…")
    told["running"] = False
    expect(desk.page.locator("#index-open")).to_have_text("30 photos")
