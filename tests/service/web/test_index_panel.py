"""The panel "Your photos": its state, folders, skipped files, a new run and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.asgi import keys
from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.newcomer import HOME, PICTURES, Newcomer
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture

if TYPE_CHECKING:
    from collections.abc import Callable

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
    expect(panel.locator(".state")).to_contain_text("Everything is up to date")
    desk.button("Check for new photos").click()
    expect(panel.locator("#job-says")).to_have_text("Done: 1 added.")
    expect(panel).to_contain_text("1 file skipped")
    panel.locator("#skipped-title").click()
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
        expect(page.locator("#job-says")).to_contain_text("Done")
        expect(page.locator("#reindex")).to_be_enabled()
        assert not [told for told in desk.problems if "401" not in told and "403" not in told]
        page.context.close()


STICK = "/media/anna/stick"


@pytest.fixture
def newcomer() -> Newcomer:
    """Two folders have been indexed, and the drive of one is gone."""
    found = Newcomer()
    found.ends(1896)
    there = {"path": PICTURES, "photos": 1684, "missing": False}
    found.state |= {"configured": True, "folders": [there, {"path": STICK, "photos": 212, "missing": True}]}
    gone = "a photo folder is not there; connect its drive, or remove the folder"
    found.seen |= {"health": "warning", "problems": [gone]}
    return found


def opened(open_page: Callable[..., Desk], newcomer: Newcomer) -> tuple[Desk, Any]:
    desk = open_page(routes=newcomer.routes)
    desk.page.locator("#index-open").click()
    panel = desk.page.get_by_role("dialog", name="Your photos")
    expect(panel.locator(".shelf .line")).to_have_count(len(newcomer.state["folders"]))
    return desk, panel


def test_a_missing_folder_is_told_and_can_be_removed(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    _, panel = opened(open_page, newcomer)
    expect(panel.locator(".state")).to_contain_text("Something needs your attention")
    expect(panel.locator(".problems")).to_contain_text("A photo folder is not there")
    expect(panel.locator(".shelf li").nth(1)).to_contain_text(
        "Not there: connect its drive, or remove the folder."
    )
    expect(panel).to_contain_text("noticed automatically")
    panel.get_by_role("button", name="Remove stick").click()
    expect(panel.locator(".question")).to_contain_text("Its photos stay on your disk")
    panel.get_by_role("button", name="Keep it").click()
    expect(panel.locator(".question")).to_have_count(0)
    expect(panel.get_by_role("button", name="Remove stick")).to_be_focused()
    panel.get_by_role("button", name="Remove stick").click()
    panel.get_by_role("button", name="Yes, remove stick").click()
    expect(panel.locator(".shelf .line")).to_have_count(1)
    assert f"DELETE library/folders {STICK}" in newcomer.asked


def test_a_folder_is_added_and_its_run_shown_and_one_of_another_window_told_calmly(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    desk, panel = opened(open_page, newcomer)
    newcomer.photos[f"{HOME}/Desktop"] = 40
    panel.get_by_role("button", name="Add a folder").click()
    picker = desk.page.get_by_role("dialog", name="Choose a folder")
    expect(picker.locator(".row")).to_have_count(3)  # they take the focus as they come
    picker.get_by_label("Path").fill(f"{HOME}/Desktop")
    picker.get_by_role("button", name="Use this folder").click()
    expect(panel.locator(".shelf .line")).to_have_count(3)
    expect(panel.locator(".going")).to_contain_text("0 of 1,724 photos")
    panel.get_by_role("button", name="Pause").click()
    expect(panel.locator(".state")).to_contain_text("Paused")
    with desk.page.expect_response("**/admin/resume"):
        panel.get_by_role("button", name="Resume").click()
    newcomer.ends(1936, added=40)
    newcomer.seen |= {"health": "ok", "problems": []}
    expect(panel.locator(".state")).to_contain_text("Everything is up to date")
    expect(panel.locator(".last-run")).to_contain_text("40 added")
    newcomer.refusals["POST reindex"] = (409, "already_running", "an index job is already running")
    desk.button("Check for new photos").click()
    expect(panel.locator("#job-says")).to_contain_text(
        "Another window has already started this. Nothing is lost"
    )
    forgive_failed_requests(desk)


def test_a_failed_run_is_never_said_to_have_changed_nothing(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    newcomer.fails("nothing was indexed: every photo folder is missing", 1896)
    _, panel = opened(open_page, newcomer)
    expect(panel.locator(".state")).to_contain_text("Something is wrong")
    expect(panel.locator(".last-run")).to_contain_text(
        "Failed. Nothing was indexed: every photo folder is missing."
    )
    expect(panel).not_to_contain_text("no changes")
    expect(panel.get_by_role("button", name="Try again")).to_be_visible()


def test_what_is_kept_free_for_a_scrollbar_is_dimmed_too(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    margin = "getComputedStyle(document.documentElement).backgroundColor"
    desk, panel = opened(open_page, newcomer)
    dimmed = desk.page.evaluate(margin)
    desk.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert dimmed != desk.page.evaluate(margin)
