"""Folders that others change while they are read."""

import os
import shutil
from pathlib import Path

from indexer.disk import files_below


def test_what_is_removed_meanwhile_is_passed_over(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/3", "b/c/4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x" * int(name[-1]))
    assert {path.name: described.st_size for path, described in files_below(tmp_path)} == {
        "1": 1, "2": 2, "3": 3, "4": 4
    }  # fmt: skip
    found = files_below(tmp_path)
    first, _ = next(found)
    # The folder of the first is listed already, the other is not.
    for path in tmp_path.rglob("?"):
        if path.is_file():
            path.unlink()
    shutil.rmtree(tmp_path / ("b" if first.parent.name == "a" else "a"))
    assert list(found) == []


def test_only_files_count(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    assert [path.name for path, _ in files_below(tmp_path)] == ["file"]
    assert list(files_below(tmp_path / "nothing")) == []
