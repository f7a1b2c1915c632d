"""The dialog to choose a folder on the server: by mouse, by keyboard, by typing, and what may be in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kit.service.desk import Desk, expect, forgive_failed_requests
from tests.kit.service.newcomer import HOME, PICTURES, Newcomer

pytestmark = pytest.mark.browser


@pytest.fixture
def newcomer() -> Newcomer:
    return Newcomer()


@pytest.fixture
def picker(open_page: Callable[..., Desk], newcomer: Newcomer) -> Iterator[Any]:
    desk = open_page(routes=newcomer.routes)
    desk.button("Choose another folder…").click()
    yield desk.page.get_by_role("dialog", name="Choose a folder")
    forgive_failed_requests(desk)


def test_folders_are_opened_one_by_one_and_the_way_leads_back(picker: Any, newcomer: Newcomer) -> None:
    newcomer.photos[f"{PICTURES}/Italy"] = 212
    expect(picker.locator(".row")).to_have_text(["Home folder", "Pictures", "stick"])
    expect(picker.get_by_role("button", name="Use this folder")).to_be_disabled()
    picker.get_by_role("button", name="Home folder").click()
    picker.get_by_role("button", name="Pictures").click()
    expect(picker.get_by_label("Path")).to_have_value(PICTURES)
    expect(picker.locator("#picker-says")).to_have_text("1,684 photos in this folder")
    expect(picker.get_by_role("navigation")).to_have_text("This computerHome folderPictures")
    picker.get_by_role("button", name="Italy").click()
    expect(picker.locator("#picker-says")).to_have_text("212 photos in this folder")
    expect(picker.locator(".folders")).to_contain_text("There are no folders in here.")
    picker.get_by_role("navigation").get_by_role("button", name="Home folder").click()
    expect(picker.locator(".row")).to_have_text(["Desktop", "Documents", "Pictures"])
    picker.get_by_label("Show hidden folders").check()
    expect(picker.locator(".row")).to_have_text(["Desktop", "Documents", "Pictures", ".cache"])


def test_the_folder_chosen_is_ticked_in_the_welcome(picker: Any, newcomer: Newcomer) -> None:
    newcomer.photos[f"{PICTURES}/Italy"] = 212
    page = picker.page
    expect(picker.locator(".row")).to_have_count(3)  # they take the focus as they come
    picker.get_by_label("Path").fill(f"{PICTURES}/Italy")
    expect(picker.locator("#picker-says")).to_have_text("212 photos in this folder")
    picker.get_by_role("button", name="Use this folder").click()
    expect(picker).to_be_hidden()
    expect(page.get_by_role("checkbox", name="Italy")).to_be_checked()
    page.get_by_role("checkbox", name="Pictures /home").uncheck()
    expect(page.locator(".sum")).to_have_text("212 photos in 1 folder")


LATE_LISTING = """() => {
    const send = window.fetch;
    const typed = new Promise((done) => document.addEventListener("input", done, { once: true }));
    window.fetch = async (to, options) => {
        if (/admin\\/folders(\\?path=)?$/.test(to)) await typed;
        return send(to, options);
    };
}"""


def test_a_listing_that_comes_late_does_not_write_over_what_is_typed(
    open_page: Callable[..., Desk], newcomer: Newcomer
) -> None:
    desk = open_page(routes=newcomer.routes)
    desk.page.evaluate(LATE_LISTING)
    with desk.page.expect_response("**/admin/folders*"):
        desk.button("Choose another folder…").click()
        late = desk.page.get_by_role("dialog", name="Choose a folder")
        late.get_by_label("Path").fill(PICTURES)
    expect(late.get_by_label("Path")).to_have_value(PICTURES)
    expect(late.locator("#picker-says")).to_have_text("1,684 photos in this folder")
    forgive_failed_requests(desk)


def test_the_keyboard_alone_is_enough(picker: Any) -> None:
    keyboard = picker.page.keyboard
    expect(picker.locator(".row")).to_have_count(3)
    picker.locator(".row").first.focus()
    keyboard.press("ArrowDown")
    expect(picker.locator(".row").nth(1)).to_be_focused()
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    expect(picker.get_by_label("Path")).to_have_value(HOME)
    expect(picker.locator(".row").first).to_be_focused()
    keyboard.press("p")
    expect(picker.get_by_role("button", name="Pictures")).to_be_focused()
    keyboard.press("ArrowRight")
    expect(picker.get_by_label("Path")).to_have_value(PICTURES)
    keyboard.press("Backspace")
    expect(picker.get_by_label("Path")).to_have_value(HOME)
    keyboard.press("End")
    expect(picker.locator(".row").last).to_be_focused()
    keyboard.press("Escape")
    expect(picker).to_be_hidden()


def test_what_will_not_do_is_explained_where_the_path_is_typed(picker: Any, newcomer: Newcomer) -> None:
    newcomer.photos["/home/anna/empty"] = "this folder is empty"
    expect(picker.locator(".row")).to_have_count(3)
    for path, says in (
        ("Pictures", "Write the full path of a folder, such as /home/me/Pictures."),
        ("/home/anna/gone", "There is no such folder; check its path, and whether its drive is mounted."),
        ("/home/anna/empty", "This folder is empty."),
    ):
        picker.get_by_label("Path").fill(path)
        expect(picker.locator("#picker-says.wrong")).to_have_text(says)
        expect(picker.get_by_label("Path")).to_have_value(path)
        expect(picker.get_by_role("button", name="Use this folder")).to_be_disabled()
        picker.get_by_label("Path").fill(PICTURES)
        expect(picker.locator("#picker-says")).to_have_text("1,684 photos in this folder")
        expect(picker.get_by_role("button", name="Use this folder")).to_be_enabled()
    picker.page.route("**/admin/**", lambda route: route.abort())
    picker.get_by_role("button", name="Home folder").click()
    expect(picker.locator("#picker-says.wrong")).to_contain_text("The server is not responding.")
    picker.page.unroute("**/admin/**")


def test_a_hundred_thousand_folders_stay_few_rows_and_can_be_narrowed(
    picker: Any, newcomer: Newcomer
) -> None:
    newcomer.folders[HOME] = [f"trip {n:06}" for n in range(100_000)]
    picker.get_by_role("button", name="Home folder").click()
    expect(picker.locator(".row")).to_have_count(200)
    expect(picker.locator(".folders")).to_contain_text("These are 200 of 100,000 folders")
    picker.get_by_label("Filter the folders by name").fill("77777")
    expect(picker.locator(".row")).to_have_text(["trip 077777"])
    picker.get_by_label("Filter the folders by name").fill("nothing like it")
    expect(picker.locator(".folders")).to_contain_text("No folder has a name like this.")


def test_any_name_of_a_folder_is_text(picker: Any, newcomer: Newcomer) -> None:
    names = ["<b onclick=x>&amp;", 'it\'s "so"', "\u05d0\u05dc\u05d1\u05d5\u05dd", "two\nlines", "a?b#c%20d"]
    newcomer.folders[HOME] = names
    newcomer.folders[f"{HOME}/{names[4]}"] = ["inside"]
    picker.get_by_role("button", name="Home folder").click()
    expect(picker.locator(".row bdi")).to_have_text([*names[:3], "two\u240alines", names[4]])
    picker.locator(".row").nth(4).click()
    expect(picker.locator(".row")).to_have_text(["inside"])
