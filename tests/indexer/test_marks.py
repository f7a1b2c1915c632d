"""Favourites and hidden photos: kept by content, shared by processes, and no reason for anything else to fail."""

import sqlite3
from pathlib import Path

import pytest

from indexer import Filter, Published
from indexer.marks import MARKS_FILE, Marked, Marks, MarksProblem
from tests.kit.jobs import Job
from tests.kit.standin import write_photo


def test_marks_are_kept_and_removed(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    assert marks.now() == Marked()
    assert list(tmp_path.iterdir()) == []
    marks.put("a", "favourite", True)
    marks.put("b", "hidden", True)
    assert marks.put("a", "hidden", True) == Marked(frozenset("a"), frozenset("ab"))
    marks.close()
    again = Marks(tmp_path)
    assert again.now() == Marked(frozenset("a"), frozenset("ab"))
    again.put("a", "favourite", False)
    again.put("a", "hidden", False)
    assert again.put("b", "hidden", False) == Marked()
    again.close()


def test_another_process_s_marks_are_seen(tmp_path: Path) -> None:
    one, other = Marks(tmp_path), Marks(tmp_path)
    one.put("a", "favourite", True)
    assert other.now().favourite == {"a"}
    other.put("b", "favourite", True)
    assert one.now().favourite == {"a", "b"}
    before = one.now()
    assert one.now() is before
    one.close()
    other.close()


def test_filters_of_marks() -> None:
    marked = Marked(frozenset("ab"), frozenset("bc"))
    assert marked.among(None) == Filter(without=frozenset("bc"))
    assert marked.among(None, favourites=True) == Filter(only=frozenset("a"))
    assert marked.among(None, hidden=True) == Filter(only=frozenset("bc"))
    both = marked.among(Filter(camera="x"), favourites=True, hidden=True)
    assert both == Filter(camera="x", only=frozenset("b"))
    assert Marked().among(None) is None
    assert Marked().among(None, favourites=True) == Filter(only=frozenset())


def contents(job: Job) -> dict[str, str]:
    opened = Published.open(job.index, job.encoder.fingerprint)
    found = {photo.relative: photo.content for photo in opened.listing(k=99)}
    opened.close()
    return found


def test_they_survive_new_runs_moves_and_new_names(quick: Job, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for seed in range(4):
        write_photo(photos / f"{seed}.png", seed)
    quick(photos)
    marks = Marks(quick.index)
    marks.put(contents(quick)["2.png"], "favourite", True)
    (photos / "2.png").rename(photos / "renamed.png")
    write_photo(photos / "new.png", 9)
    quick(photos)
    assert marks.now().favourite == {contents(quick)["renamed.png"]}
    marks.close()


@pytest.mark.parametrize("damage", [b"", b"no database" * 400])
def test_a_damaged_file_costs_only_the_marks(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / MARKS_FILE).write_bytes(damage)
    marks = Marks(tmp_path)
    assert marks.now() == Marked()
    if damage:
        with pytest.raises(MarksProblem, match="cannot store the mark"):
            marks.put("a", "favourite", True)
        (tmp_path / MARKS_FILE).unlink()
    assert marks.put("b", "hidden", True).hidden == {"b"}
    marks.close()


def test_what_cannot_be_written_is_refused_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.marks._WAIT_SECONDS", 0)
    marks = Marks(tmp_path)
    marks.put("a", "favourite", True)
    blocker = sqlite3.connect(tmp_path / MARKS_FILE, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(MarksProblem, match="locked"):
        marks.put("b", "favourite", True)
    assert marks.now().favourite == {"a"}
    blocker.execute("ROLLBACK")
    blocker.close()
    assert marks.put("b", "favourite", True).favourite == {"a", "b"}
    marks.close()
