"""Photos that go and come back: their ids, their vectors while those are stored, and what is remembered of them."""

import shutil
import sqlite3
from pathlib import Path

from indexer import Report
from indexer.decoding.thumbnails import thumbnail_path
from tests.kit.jobs import Job, ids
from tests.kit.standin import contents, published, write_photo


def ask(job: Job, query: str) -> list[tuple[str, ...]]:
    db = sqlite3.connect(job.index / "catalogue.sqlite")
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def without(job: Job, hundred: Path, *names: str) -> Report:
    """A run without these, which lie beside the library meanwhile."""
    for name in names:
        (hundred / name).rename(hundred.parent / Path(name).name)
    return job(hundred)


def test_a_photo_that_returns_has_its_id_and_its_vector(quick: Job, hundred: Path) -> None:
    quick(hundred)
    before, seen = ids(quick), contents(hundred)
    assert without(quick, hundred, "few/1.png", "few/2.png").removed == 2
    rows = ask(quick, "SELECT relative, content, since FROM removed ORDER BY relative")
    assert [row[:2] for row in rows] == [(name, seen[name]) for name in ("few/1.png", "few/2.png")]
    assert all(row[2].endswith("Z") and len(row[2]) == 20 for row in rows)
    for name in ("few/1.png", "few/2.png"):
        assert not thumbnail_path(quick.index / "thumbnails", seen[name]).exists()
    # One to where it was, one to elsewhere under another name.
    (hundred.parent / "1.png").rename(hundred / "few/1.png")
    (hundred.parent / "2.png").rename(hundred / "many/back.png")
    report = quick(hundred)
    assert (report.added, report.embedded, report.photos) == (2, 0, 100)
    after = ids(quick)
    assert after["few/1.png"] == before["few/1.png"]
    assert after["many/back.png"] == before["few/2.png"]
    assert ask(quick, "SELECT * FROM removed") == []
    assert ask(quick, "SELECT * FROM orphans") == []
    for name in ("few/1.png", "few/2.png"):
        assert thumbnail_path(quick.index / "thumbnails", seen[name]).exists()
    assert published(quick.index, seeds(hundred, "many/back.png", 2)) == contents(hundred)


def seeds(hundred: Path, odd: str, seed: int) -> dict[str, int]:
    """What each content was made of; the names say it, but for one."""
    return {
        content: seed if name == odd else int(Path(name).stem) for name, content in contents(hundred).items()
    }


def test_another_photo_at_the_path_is_the_photo_of_that_path(quick: Job, hundred: Path) -> None:
    """As it is for one that changes without going first."""
    quick(hundred)
    before = ids(quick)
    without(quick, hundred, "few/1.png")
    write_photo(hundred / "few/1.png", 1000)
    report = quick(hundred)
    assert (report.added, report.embedded) == (1, 1)
    assert ids(quick)["few/1.png"] == before["few/1.png"]


def test_of_several_that_were_at_a_path_the_same_photo_returns(quick: Job, hundred: Path) -> None:
    """One moves to where another was, and goes as well."""
    quick(hundred)
    before = ids(quick)
    without(quick, hundred, "few/1.png")
    (hundred / "few/2.png").rename(hundred / "few/1.png")
    assert quick(hundred).moved == 1
    (hundred / "few/1.png").rename(hundred.parent / "2.png")
    quick(hundred)
    for seed in (1, 2):
        (hundred.parent / f"{seed}.png").rename(hundred / "few/1.png")
        quick(hundred)
        assert ids(quick)["few/1.png"] == before[f"few/{seed}.png"]
        (hundred / "few/1.png").rename(hundred.parent / f"{seed}.png")
        quick(hundred)


def test_a_copy_elsewhere_keeps_the_content(quick: Job, hundred: Path) -> None:
    shutil.copy(hundred / "few/1.png", hundred / "copy.png")
    quick(hundred)
    seen = contents(hundred)
    without(quick, hundred, "few/1.png")
    assert ask(quick, "SELECT * FROM orphans") == []
    assert thumbnail_path(quick.index / "thumbnails", seen["copy.png"]).exists()


def test_a_whole_folder_may_leave_and_return(quick: Job, hundred: Path, tmp_path: Path) -> None:
    """Its vectors are stored until most of their shard is of no use."""
    quick(hundred)
    before = ids(quick)
    (hundred / "many").rename(tmp_path / "drive")
    assert quick(hundred, accept_deletions=True).removed == 85
    assert ask(quick, "SELECT count(*) FROM contents") == [(15,)]
    (tmp_path / "drive").rename(hundred / "many")
    report = quick(hundred)
    assert (report.added, report.embedded) == (85, 85)
    assert ids(quick) == before


def test_a_forgotten_folder_is_remembered_for_its_ids(quick: Job, hundred: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "other" / "a.png", 500)
    quick(hundred, tmp_path / "other")
    before = ids(quick)
    quick(forget=[tmp_path / "other"])
    assert "a.png" not in ids(quick)
    assert quick(tmp_path / "other").embedded == 0
    assert ids(quick) == before


def test_changed_photos_leave_no_orphan_unswept(quick: Job, hundred: Path) -> None:
    quick(hundred)
    old = contents(hundred)["few/3.png"]
    write_photo(hundred / "few/3.png", 777)
    quick(hundred)
    assert ask(quick, "SELECT content, swept FROM orphans") == [(old, 1)]
    assert not thumbnail_path(quick.index / "thumbnails", old).exists()
    # Back to what it was: nothing to embed.
    write_photo(hundred / "few/3.png", 3)
    assert quick(hundred).embedded == 0
    assert contents(hundred)["few/3.png"] == old
    assert thumbnail_path(quick.index / "thumbnails", old).exists()
