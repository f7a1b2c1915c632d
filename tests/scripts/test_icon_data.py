"""Icons as training data: which icon is which thing, and in which style."""

import pytest

from scripts.icon_data import named, without_style


@pytest.mark.parametrize(
    ("name", "thing"),
    [
        ("piggy-bank", "piggy-bank"),
        ("acorn-outline", "acorn"),
        ("tree-palm-02-bold-duotone", "tree-palm"),
        ("outline", "outline"),
        ("bus-2-fill", "bus"),
        ("bus-stop", "bus-stop"),
    ],
)
def test_a_name_without_its_style_is_that_of_the_thing(name: str, thing: str) -> None:
    assert without_style(name)[0] == thing


def test_lines_are_preferred_and_other_senses_left_out() -> None:
    bodies = dict.fromkeys(
        ["acorn-fill", "acorn-linear", "acorn-bold", "beer-bottle-2", "plane", "ship", "drawer-outline"]
    )
    found = named(bodies, {"acorn", "beer bottle", "plane", "ship", "Teddy Bear"})
    assert found == {"acorn": "acorn-linear", "beer bottle": "beer-bottle-2", "ship": "ship"}


def test_an_icon_of_no_style_comes_before_any_other() -> None:
    assert named(dict.fromkeys(["cup-bold", "cup", "cup-outline"]), {"cup"}) == {"cup": "cup"}
    assert named(dict.fromkeys(["cup-bold", "cup"]), {"cup"}) == {"cup": "cup"}
