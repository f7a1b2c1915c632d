"""Registries: names, loading on demand, and errors that list what there is."""

import sys

import pytest

from model.registry import Registry, UnknownName

CLOCKS: Registry[type] = Registry("clock", {"wall": "zoneinfo:ZoneInfo", "gone": "no_such_module:Thing"})


def test_an_entry_is_loaded_when_it_is_asked_for() -> None:
    sys.modules.pop("zoneinfo", None)
    assert CLOCKS.names == ("wall", "gone") == (*CLOCKS,)
    assert "zoneinfo" not in sys.modules
    assert CLOCKS.load("wall").__name__ == "ZoneInfo"


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownName, match=r"^card\.json: unknown clock 'sun'; known: wall, gone$"):
        CLOCKS.load("sun", "card.json")
    with pytest.raises(UnknownName, match=r"^unknown clock 'sun'"):
        CLOCKS.check("sun")
