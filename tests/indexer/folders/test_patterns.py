"""Patterns against what .gitignore would make of them."""

import subprocess
from pathlib import Path

import pytest

from indexer import IndexProblem
from indexer.folders.patterns import Patterns, validated

PATHS = (
    "a.png",
    "b.jpg",
    "B.JPG",
    "[1].png",
    "deep/a.png",
    "deep/er/a.png",
    "deep/er/c1.png",
    "deep/er/c22.png",
    "trash/a.png",
    "deep/trash/x.png",
    "new\nline.png",
    "über/ü.png",
)


@pytest.mark.parametrize(
    "texts",
    [
        ["*.png"],
        ["a.png"],
        ["/a.png"],
        ["deep/a.png"],
        ["deep/*.png"],
        ["deep/**/a.png"],
        ["**/a.png"],
        ["deep/**"],
        ["trash/"],
        ["/trash/"],
        ["a.png/"],
        ["c?.png"],
        ["c[0-9].png"],
        ["[!a]2*.png"],
        ["\\[1\\].png"],
        ["*.png", "!a.png"],
        ["!a.png", "*.png"],
        ["trash", "!trash/a.png"],
        ["er"],
        ["ü*"],
        ["*"],
    ],
    ids=repr,
)
def test_patterns_mean_what_git_takes_them_for(texts: list[str], tmp_path: Path) -> None:
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".git" / "info").mkdir(exist_ok=True)
    (tmp_path / ".git" / "info" / "exclude").write_text("\n".join(texts))
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "ls-files", "-oiz", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    ignored = set(told.stdout.decode().split("\0")) - {""}
    assert {path for path in PATHS if Patterns(tuple(texts)).match_any(path)} == ignored


def test_a_pattern_is_one_name_and_no_line_of_a_file() -> None:
    """Network drives keep what was deleted in `#recycle`, and names may end in spaces."""
    assert Patterns(("#recycle",)).match_any("#recycle/old.png")
    assert Patterns(("a ",)).match_any("a /a.png")
    assert not Patterns(("a ",)).match_any("a/a.png")


def test_empty_patterns_say_nothing_and_impossible_ones_are_refused() -> None:
    assert validated(["", "/", "*.gif"]) == ("*.gif",)
    with pytest.raises(IndexProblem, match="not a valid pattern"):
        validated(["[z-a].png"])
