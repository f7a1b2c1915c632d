"""What a node must have to embed parts, and what it says if it does not."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from indexer.cluster import remote
from tests.kit.privileges import unprivileged


@pytest.fixture
def needs(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "photos" / "2026").mkdir(parents=True)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / ".seen-1").touch()
    return {
        "version": importlib.metadata.version("sketchseek"),
        "photos": [str(tmp_path / "photos")],
        "token": str(tmp_path / "parts" / ".seen-1"),
        "model": "lite",
    }


def test_a_node_that_has_everything_lacks_nothing(needs: dict[str, Any]) -> None:
    assert remote.lacking(needs) is None
    assert remote.check(needs) is None


@pytest.mark.parametrize(
    ("need", "value", "lacks"),
    [
        ("version", "0.0.1", r"it has sketchseek [\d.]+, this machine 0\.0\.1; install the same version"),
        ("photos", ["/photos/of/others"], "it has no photos in /photos/of/others; mount them"),
        ("token", "/nowhere/parts/.seen", "it does not see /nowhere/parts; keep the parts on storage"),
        ("model", "huge", "no model 'huge'"),
    ],
)
def test_it_says_what_it_lacks(needs: dict[str, Any], need: str, value: object, lacks: str) -> None:
    found = remote.check(needs | {need: value})
    assert found is not None
    assert re.search(lacks, found)
    # With the name of the node, and as the outcome of a part that did not run.
    assert re.match(r"[\w.-]+: ", found)


def test_a_drive_that_is_not_mounted_is_noticed(needs: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "photos" / "2026").rmdir()
    assert "it has no photos in" in str(remote.lacking(needs))


def test_it_may_write_to_the_parts(needs: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "parts").chmod(0o555)
    with unprivileged():
        found = remote.lacking(needs)
    (tmp_path / "parts").chmod(0o755)
    assert found is not None
    assert "it may not write to" in found


def test_a_node_without_sketchseek_says_so(needs: dict[str, Any], tmp_path: Path) -> None:
    """The module runs there as Ray copied it: alone."""
    script = f"import runpy; print(runpy.run_path({remote.__file__!r})['lacking']({needs!r}))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.startswith("sketchseek is not installed there; install sketchseek")


def test_the_board_forgets_what_fell_silent() -> None:
    board = remote.Board()
    board.tell(3, {"photos": 5})
    board.tell(3, {"photos": 6})
    assert board.told(60.0) == {3: {"photos": 6}}
    assert board.told(-1.0) == {}
