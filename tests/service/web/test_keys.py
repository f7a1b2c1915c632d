"""Keys, their help, and whom Ctrl+Z belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.kit.service.desk import Desk, expect

pytestmark = pytest.mark.browser


def test_ctrl_z_undoes_what_was_touched_last(desk: Desk) -> None:
    desk.draw((0.2, 0.2), (0.8, 0.2))
    one = desk.ink()
    field = desk.page.locator("#text")
    field.click()
    field.press_sequentially("sea")
    desk.page.keyboard.press("Control+z")
    assert desk.ink() == one, "the words were touched last"
    expect(field).not_to_have_value("sea")
    field.fill("sea")
    desk.draw((0.2, 0.8), (0.8, 0.8))
    desk.page.keyboard.press("Control+z")
    assert desk.ink() == one, "the drawing was touched last"
    expect(field).to_have_value("sea")


def test_keys_choose_tools_but_not_while_you_type(desk: Desk) -> None:
    def tool() -> str | None:
        return desk.page.locator("[name=pen]:checked").get_attribute("value")

    for key, value in (("1", "4"), ("e", "erase"), ("p", "4"), ("3", "13"), ("r", "remove"), ("2", "7")):
        desk.page.keyboard.press(key)
        assert tool() == value
    desk.drawn_results()
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("eerie cc")
    assert tool() == "7"
    assert desk.ink() > 0
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("c")
    assert desk.ink() == 0


def test_the_help_lists_every_key_and_what_is_chosen_there_holds_from_then_on(
    open_page: Callable[..., Desk],
) -> None:
    desk = open_page(locale="en-GB")
    desk.page.keyboard.press("?")
    sheet = desk.page.get_by_role("dialog", name="Help")
    expect(sheet).to_be_visible()
    listed = set(sheet.locator("kbd").all_text_contents())
    assert set("123PERCSOD/?") | {"Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+A", "Esc", "Enter"} <= listed
    desk.page.keyboard.press("c")
    desk.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    desk.button("Help and keys").click()
    expect(sheet).to_be_visible()
    sheet.get_by_label("Keys without Ctrl, such as E and ?").uncheck()
    choice = sheet.get_by_label("Language")
    expect(choice.locator("option").filter(has_text="Deutsch")).to_have_count(1)
    with desk.page.expect_navigation():
        choice.select_option("de")
    expect(desk.page.locator("html")).to_have_attribute("lang", re.compile("^de"))
    expect(desk.page.locator("#examples button")).to_have_count(8)
    desk.draw((0.2, 0.2), (0.8, 0.2))
    drawn = desk.ink()
    assert drawn > 0
    desk.page.keyboard.press("c")
    assert desk.ink() == drawn
    desk.page.keyboard.press("Control+z")
    assert desk.ink() == 0
