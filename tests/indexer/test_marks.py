"""Favourites and hidden photos: kept by content, shared by processes, and no reason for anything else to fail."""

import sqlite3
import threading
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


def flip(path: Path, at: int = 0, data: bytes = b"no database") -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize("damage", ["emptied", "overwritten", "cut short"])
def test_a_damaged_file_is_set_aside_and_the_marks_come_back(tmp_path: Path, damage: str) -> None:
    """From the copy at the start; what it does not have yet is lost."""
    marks = Marks(tmp_path)
    marks.put("a", "hidden", True)
    marks.put("b", "hidden", True)
    marks.close()
    path = tmp_path / MARKS_FILE
    if damage == "overwritten":
        flip(path, data=b"no database" * 400)
    else:
        with path.open("r+b") as file:
            file.truncate(100 if damage == "cut short" else 0)
    again = Marks(tmp_path)
    assert again.now() == Marked(hidden=frozenset("a"))
    assert "1 came from a copy, without the last ones" in (again.problem or "")
    assert (tmp_path / f"{MARKS_FILE}.damaged").exists()
    assert again.put("c", "favourite", True) == Marked(frozenset("c"), frozenset("a"))
    again.close()
    other = Marks(tmp_path)
    assert (other.now(), other.problem) == (Marked(frozenset("c"), frozenset("a")), None)
    other.close()


def test_what_cannot_be_restored_is_told(tmp_path: Path) -> None:
    (tmp_path / MARKS_FILE).write_bytes(b"no database" * 400)
    marks = Marks(tmp_path)
    assert marks.now() == Marked()
    assert "hidden photos show again" in (marks.problem or "")
    marks.close()


def test_a_file_that_is_replaced_or_deleted_meanwhile_is_noticed(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    marks.put("a", "hidden", True)
    (tmp_path / MARKS_FILE).unlink()
    assert marks.now().hidden == {"a"}, "not forgotten while it serves"
    assert marks.put("b", "hidden", True).hidden == {"a", "b"}
    other = Marks(tmp_path)
    assert other.now().hidden == {"a", "b"}, "and written again with the next"
    other.close()
    (tmp_path / "backup").mkdir()
    backup = Marks(tmp_path / "backup")
    backup.put("z", "favourite", True)
    backup.close()
    (tmp_path / "backup" / MARKS_FILE).replace(tmp_path / MARKS_FILE)
    assert marks.now() == Marked(favourite=frozenset("z"))
    marks.close()


def test_nothing_is_written_where_no_index_is_left_or_through_a_link(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "gone")
    with pytest.raises(MarksProblem):
        marks.put("a", "hidden", True)
    assert not (tmp_path / "gone").exists()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / MARKS_FILE).symlink_to(tmp_path / "outside")
    linked = Marks(tmp_path / "linked")
    assert linked.now() == Marked()
    with pytest.raises(MarksProblem, match="it is a link"):
        linked.put("a", "hidden", True)
    assert not (tmp_path / "outside").exists()


def test_whoever_asks_does_not_wait_for_a_mark_that_is_being_stored(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    marks.put("a", "hidden", True)
    blocker = sqlite3.connect(tmp_path / MARKS_FILE, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    storing = threading.Thread(target=marks.put, args=("b", "hidden", True))
    storing.start()
    for _ in range(1000):
        assert marks.now().hidden == {"a"}
    assert storing.is_alive(), "all that while"
    blocker.execute("ROLLBACK")
    blocker.close()
    storing.join(30)
    assert marks.now().hidden == {"a", "b"}
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
