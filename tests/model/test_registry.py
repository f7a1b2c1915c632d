"""Registries: names, loading on demand, and errors that list what there is."""

import sys
from pathlib import Path

import pytest

from model.registry import BrokenEntry, Registry, UnknownName

CLOCKS: Registry[type] = Registry("clock", {"wall": "zoneinfo:ZoneInfo", "gone": "no_such_module:Thing"})


def test_an_entry_is_loaded_when_it_is_asked_for() -> None:
    sys.modules.pop("zoneinfo", None)
    assert CLOCKS.names == ("wall", "gone") == (*CLOCKS,)
    assert "zoneinfo" not in sys.modules
    assert CLOCKS.load("wall").__name__ == "ZoneInfo"


def test_a_line_that_leads_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needs_a_library.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    lines = {
        "module": "model.no_such:Thing",
        "name": "model.registry:Nothing",
        "library": "needs_a_library:Thing",
    }
    registry: Registry[type] = Registry("clock", lines)
    for name in ("module", "name"):
        with pytest.raises(
            BrokenEntry, match=rf"^the clock '{name}' is registered as '{lines[name]}', which does not"
        ):
            registry.load(name)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        registry.load("library")


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownName, match=r"^card\.json: unknown clock 'sun'; known: wall, gone$"):
        CLOCKS.load("sun", "card.json")
    with pytest.raises(UnknownName, match=r"^unknown clock 'sun'"):
        CLOCKS.check("sun")
