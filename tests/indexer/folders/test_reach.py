"""Whether photo folders can be used right now; a drive that hangs makes nobody wait."""

import threading
from pathlib import Path

import pytest

from indexer.folders import reach
from indexer.folders.reach import SILENT, Reach
from tests.kit.privileges import unprivileged


def test_each_folder_is_described_by_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    folders = [tmp_path / name for name in ("full", "empty", "file", "none")]
    assert Reach().problems(folders, 60) == {
        tmp_path / "empty": "is empty",
        tmp_path / "file": "is no longer a folder",
        tmp_path / "none": "is missing",
    }


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    with unprivileged():
        assert Reach().problems([locked], 60) == {locked: "cannot be read (Permission denied)"}


def test_a_drive_that_hangs_is_named_and_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, looks = threading.Event(), []

    def look(folder: Path) -> str | None:
        looks.append(folder.name)
        if folder.name == "network":
            assert back.wait(60)
        return None

    monkeypatch.setattr(reach, "problem_of", look)
    reached, folders = Reach(), [tmp_path / "network", tmp_path / "disk"]
    for _ in range(3):
        assert reached.problems(folders, 0.05).get(tmp_path / "network") == SILENT
    assert looks.count("network") == 1
    back.set()
    for thread in list(reached._looking.values()):
        thread.join(60)
    assert reached.problems(folders, 60) == {}
