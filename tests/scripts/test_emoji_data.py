"""Emoji as training data: which are things, what they are called, and how a coloured drawing becomes lines."""

import re
from pathlib import Path
from typing import Any

import pytest

from scripts.emoji_data import Emoji, licences, outlined, svg, things


def emoji(
    said: str, group: str = "animals-nature", part: str = "animal-mammal", **others: str
) -> dict[str, Any]:
    return {
        "hexcode": "1F42A",
        "group": group,
        "subgroups": part,
        "annotation": said,
        "skintone": "",
    } | others


@pytest.mark.parametrize(
    ("said", "label", "name"),
    [
        ("two-hump camel", "camel", "two-hump-camel"),
        ("tiger face", "tiger", "tiger-face"),
        ("bell with slash", None, ""),
        ("Woman\u2019s hat", "woman's hat", "woman-s-hat"),
    ],
)
def test_several_emoji_of_one_thing_have_its_name(said: str, label: str | None, name: str) -> None:
    found = list(things([emoji(said)]))
    assert found == ([] if label is None else [Emoji("1f42a", label, name)])


@pytest.mark.parametrize(
    "other",
    [
        emoji("smile", "smileys-emotion", "face"),
        emoji("one o'clock", "travel-places", "time"),
        emoji("cook", part="person", skintone="1"),
    ],
)
def test_what_is_no_thing_is_left_out(other: dict[str, Any]) -> None:
    assert not list(things([other]))


def test_a_coloured_drawing_becomes_white_shapes_with_black_edges() -> None:
    body = (
        '<g fill="none"><path fill="#f00" stroke="red" stroke-width="9" d="M0 0h9v9z"/>'
        '<path fill="url(#a)" style="fill:blue" d="M1 1h9"/><path opacity=".3" d="M5 5h1"/></g>'
    )
    found = outlined(body, 2)
    assert found.startswith('<g fill="#fff" stroke="#000" stroke-width="2" ')
    assert re.findall(r'd="([^"]*)"', found) == ["M0 0h9v9z", "M1 1h9"], "shades are no lines"
    assert found.count('fill="#fff"') == 3
    assert 'fill="none"' in found
    assert not re.search(r"red|blue|url|#f00", found)


def test_it_is_drawn_on_a_square() -> None:
    assert 'viewBox="0 0 64 64"' in svg("<g/>", 64)


def test_a_package_says_the_licence_of_its_sets(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "@toys/blocks", "license": "MIT"}')
    rows = [{"set": "emoji-blocks"}, {"set": "emoji-blocks"}]
    assert licences(tmp_path, rows, {}) == {"emoji-blocks": "MIT, npm @toys/blocks"}


def test_a_set_of_several_packages_has_all_their_licences(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "blocks", "license": "MIT"}')
    before = {"emoji-blocks": "ISC, npm lines", "emoji-cars": "CC0-1.0, npm cars"}
    assert licences(tmp_path, [{"set": "emoji-blocks"}], before) == {
        "emoji-blocks": "ISC, npm lines; MIT, npm blocks",
        "emoji-cars": "CC0-1.0, npm cars",
    }
