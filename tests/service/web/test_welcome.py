"""The welcome of a service without photos: which folders, how many photos, and the start of the first run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.newcomer import HOME, PICTURES, Newcomer, refuse

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

Open = Callable[..., Desk]


@pytest.fixture
def newcomer() -> Newcomer:
    return Newcomer()


@pytest.fixture
def arrive(open_page: Open, newcomer: Newcomer) -> Callable[..., Desk]:
    """Opens the page on the newcomer's computer."""

    def open_one(**options: Any) -> Desk:
        desk = open_page(routes=newcomer.routes, **options)
        expect(desk.page.locator("#setup-title")).to_be_visible()
        forgive_failed_requests(desk)  # it is not ready, and says so with 503
        return desk

    return open_one


def choice(desk: Desk, name: str) -> Any:
    return desk.page.get_by_role("checkbox", name=name)


def test_one_click_starts_and_the_page_is_there_to_draw(
    arrive: Callable[..., Desk], newcomer: Newcomer
) -> None:
    desk = arrive()
    page = desk.page
    expect(page.locator("#setup-title")).to_have_text("Where are your photos?")
    expect(page.locator("#canvas")).to_be_hidden()
    expect(choice(desk, "Pictures")).to_be_checked()
    expect(choice(desk, "Home folder")).not_to_be_checked()
    expect(page.locator(".choices li").first).to_contain_text("1,684 photos")
    expect(page.locator(".sum")).to_have_text("1,684 photos in 1 folder")
    desk.button("Start").click()
    expect(page.locator("#canvas")).to_be_visible()
    expect(page.get_by_role("region", name="Indexing")).to_contain_text("0 of 1,684 photos")
    assert [one for one in newcomer.asked if one.startswith("POST")] == ["POST library/folders"]
    assert [folder["path"] for folder in newcomer.state["folders"]] == [PICTURES]
    forgive_failed_requests(desk)


def test_several_folders_are_added_but_none_twice(arrive: Callable[..., Desk], newcomer: Newcomer) -> None:
    newcomer.photos["/media/anna/stick"] = 12_345
    desk = arrive()
    choice(desk, "stick").check()
    expect(desk.page.locator(".sum")).to_have_text("More than 14,029 photos in 2 folders")
    choice(desk, "Home folder").check()
    expect(desk.page.locator(".choices li").first).to_contain_text("part of Home")
    desk.button("Start").click()
    expect(desk.page.get_by_role("region", name="Indexing")).to_be_visible()
    assert [folder["path"] for folder in newcomer.state["folders"]] == ["/media/anna/stick", HOME]
    forgive_failed_requests(desk)


OWNED = "you may not read this folder: it belongs to root; change its permissions, or choose another"
AROUND = "this folder contains the index itself; choose the folders in it that hold your photos"
SENTENCE = """async (text) => (await import("/web/setup/library.js")).sentence(text)"""


def test_a_place_that_cannot_be_used_says_why_and_a_drive_without_photos_goes(
    arrive: Callable[..., Desk], newcomer: Newcomer
) -> None:
    newcomer.photos |= {PICTURES: OWNED, HOME: AROUND, "/media/anna/stick": "this folder is empty"}
    desk = arrive()
    rows = desk.page.locator(".choices li")
    expect(rows).to_have_count(2)
    expect(desk.page.locator(".choices")).not_to_contain_text("stick")
    for nth, (name, problem) in enumerate((("Pictures", OWNED), ("Home folder", AROUND))):
        expect(rows.nth(nth)).to_contain_text(problem[1:])
        expect(choice(desk, name)).to_be_disabled()
        expect(choice(desk, name)).not_to_be_checked()
    forgive_failed_requests(desk)


def test_what_the_server_says_becomes_a_sentence(module_page: Desk) -> None:
    for problem in (
        "this folder is empty",
        "there are no photos in this folder",
        OWNED,
        AROUND,
        "there is no such folder; check its path, and whether its drive is mounted",
    ):
        said = module_page.page.evaluate(SENTENCE, problem)
        assert said == f"{problem[0].upper()}{problem[1:]}."


def test_what_the_server_says_is_translated(arrive: Callable[..., Desk], newcomer: Newcomer) -> None:
    newcomer.photos[PICTURES] = "this folder contains /a {b}, which is in your library; remove that first"
    desk = arrive(locale="de-DE")
    row = desk.page.locator(".choices li").first
    expect(row).to_contain_text(
        "Dieser Ordner enthält /a {b}, der in deiner Bibliothek ist; entferne erst diesen."
    )
    forgive_failed_requests(desk)


def test_nothing_chosen_is_no_dead_end(arrive: Callable[..., Desk], newcomer: Newcomer) -> None:
    newcomer.places = []
    desk = arrive()
    expect(desk.page.locator(".sum")).to_have_text("Choose at least one folder.")
    desk.button("Start").click()
    expect(desk.page.get_by_role("alert").filter(has_text="Tick a folder")).to_be_visible()
    expect(desk.button("Choose another folder…")).to_be_visible()
    forgive_failed_requests(desk)


def test_what_is_refused_at_the_start_is_told_and_another_folder_can_be_chosen(
    arrive: Callable[..., Desk], newcomer: Newcomer
) -> None:
    desk = arrive()
    expect(choice(desk, "Pictures")).to_be_checked()
    full = "the disk that holds the index is full: free some space, then start again"
    newcomer.refusals["POST library/folders"] = (503, "index_unwritable", full)
    desk.button("Start").click()
    expect(desk.page.get_by_role("alert").filter(has_text="free some space")).to_be_visible()
    expect(desk.button("Start")).to_be_enabled()
    gone = "there is no such folder; check its path"
    newcomer.refusals["POST library/folders"] = (422, "folder_refused", gone)
    desk.button("Start").click()
    expect(desk.page.locator(".choices li").first).to_contain_text("There is no such folder; check its path.")
    expect(desk.page.get_by_role("alert").filter(has_text="cannot be added")).to_be_visible()
    newcomer.refusals.clear()
    choice(desk, "Home folder").check()
    desk.button("Start").click()
    expect(desk.page.get_by_role("region", name="Indexing")).to_be_visible()
    forgive_failed_requests(desk)


def test_a_second_window_follows_the_first(arrive: Callable[..., Desk], newcomer: Newcomer) -> None:
    desk, other = arrive(), arrive()
    expect(choice(desk, "Pictures")).to_be_checked()
    expect(choice(other, "Pictures")).to_be_checked()
    newcomer.refusals["POST library/folders"] = (409, "already_running", "an index job is already running")
    newcomer.runs(3, 1684)
    desk.button("Start").click()
    expect(desk.page.get_by_role("region", name="Indexing")).to_contain_text("3 of 1,684 photos")
    # The other one was not touched at all, and notices by itself.
    expect(other.page.get_by_role("region", name="Indexing")).to_contain_text("3 of 1,684 photos")
    for each in (desk, other):
        forgive_failed_requests(each)


def test_a_visitor_learns_who_may_choose_and_can_enter_a_key(open_page: Open, newcomer: Newcomer) -> None:
    keys = []

    def locked(route: Route) -> None:
        key = route.request.headers.get("authorization")
        keys.append(key)
        if key == "Bearer secret":
            return newcomer.admin(route)
        return refuse(route, 403, "admins_only", "this requires an admin key")

    desk = open_page(routes={**newcomer.routes, "**/admin/**": locked})
    page = desk.page
    expect(page.locator("#setup-title")).to_have_text("No photos are here yet")
    expect(page.locator(".setup")).to_contain_text("sketchseek key --admin")
    desk.button("Enter an admin key").click()
    for key in ("wrong", "secret"):
        page.locator("#key-input").fill(key)
        page.locator("#key-input").press("Enter")
    expect(page.locator("#setup-title")).to_have_text("Where are your photos?")
    expect(choice(desk, "Pictures")).to_be_checked()
    forgive_failed_requests(desk)


def test_a_visitor_who_waits_gets_the_photos_once_they_are_there(open_page: Open, newcomer: Newcomer) -> None:
    locked = {"**/admin/**": lambda route: refuse(route, 403, "admins_only", "this requires an admin key")}
    desk = open_page(routes={**newcomer.routes, **locked})
    expect(desk.page.locator("#setup-title")).to_have_text("No photos are here yet")
    newcomer.ends(1684)
    expect(desk.page.locator("#setup-title")).to_be_hidden()
    expect(desk.page.locator("#canvas")).to_be_visible()
    forgive_failed_requests(desk)


def test_names_with_markup_are_shown_as_they_are(arrive: Callable[..., Desk], newcomer: Newcomer) -> None:
    name = "<img src=x onerror=\"window.intruded = 1\"> 'quoted' \u05d0\u05dc\u05d1\u05d5\u05dd\nline"
    path = f"/media/anna/{name}"
    newcomer.places = [(name, path)]
    newcomer.photos = {path: 7}
    desk = arrive()
    row = desk.page.locator(".choices li").first
    expect(row).to_contain_text("<img src=x onerror=")
    expect(row.locator("bdi").first).to_have_text(name.replace("\n", "\u240a"))
    assert desk.page.evaluate("window.intruded") is None
    desk.page.get_by_role("checkbox").check()
    desk.button("Start").click()
    expect(desk.page.get_by_role("region", name="Indexing")).to_be_visible()
    assert newcomer.state["folders"][0]["path"] == path
    forgive_failed_requests(desk)
