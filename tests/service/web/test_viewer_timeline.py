"""The viewer among the photos of the start page: hiding them there, and bringing them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.service.desk import Desk, expect
from tests.kit.service.library import FakeLibrary

pytestmark = pytest.mark.browser

FOCUSED = "(path) => document.activeElement.ariaLabel?.split(',')[0] === path"


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary({"2024-07": 27, "2024-06": 300})


def shown(desk: Desk) -> Any:
    return desk.page.locator("#viewer .file")


def only_july(desk: Desk) -> Any:
    desk.arrived()
    desk.button("Filters").click()
    desk.page.get_by_role("combobox", name="Folder").fill("2024-07")
    figures = desk.page.locator("#figures")
    expect(figures).to_have_text("27 of 327 photos")
    return figures


def test_a_hidden_photo_makes_way_and_is_brought_back_and_focused(
    open_page: Callable[..., Desk], library: FakeLibrary
) -> None:
    desk = open_page(routes=library.routes())
    first = next(library.all({}))
    desk.page.locator("#timeline .tile").first.click()
    expect(shown(desk)).to_have_text("00000.jpg")
    desk.page.keyboard.press("h")
    expect(shown(desk)).to_have_text("00001.jpg")
    assert library.hidden == {first["id"]}
    desk.page.keyboard.press("ArrowRight")
    expect(shown(desk)).to_have_text("00002.jpg")
    desk.page.keyboard.press("ArrowLeft")
    with desk.page.expect_response("**/photos?*"):
        desk.page.keyboard.press("z")
    expect(shown(desk)).to_have_text("00000.jpg")
    assert library.hidden == set()
    desk.page.keyboard.press("ArrowRight")
    expect(shown(desk)).to_have_text("00001.jpg")
    desk.page.keyboard.press("ArrowLeft")
    expect(shown(desk)).to_have_text("00000.jpg")
    desk.page.keyboard.press("Escape")
    desk.page.wait_for_function(FOCUSED, arg=first["path"])
    figures = only_july(desk)
    desk.page.get_by_role("button", name="2024-07/00025.jpg").click()
    expect(shown(desk)).to_have_text("00025.jpg")
    desk.page.keyboard.press("h")
    expect(shown(desk)).to_have_text("00026.jpg")
    expect(desk.page.locator("#viewer .problem")).to_be_empty()
    expect(figures).to_have_text("26 of 326 photos")
    desk.page.keyboard.press("z")
    expect(shown(desk)).to_have_text("00025.jpg")
    desk.page.keyboard.press("Escape")
    expect(figures).to_have_text("27 of 327 photos")


def test_every_photo_may_be_hidden(open_page: Callable[..., Desk]) -> None:
    library = FakeLibrary({"2024-07": 3})
    desk = open_page(routes=library.routes())
    desk.page.locator("#timeline .tile").first.click()
    for number in range(3):
        expect(shown(desk)).to_have_text(f"0000{number}.jpg")
        with desk.page.expect_response("**/hidden"):
            desk.page.keyboard.press("h")
    expect(shown(desk)).to_have_text("00000.jpg")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#timeline .tile:visible")).to_have_count(0)
