"""The catalogue between runs: what changed in it unseen is noticed, and the copy of the last run takes its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import NoIndex
from indexer.catalogue.safekeeping import (
    COPY,
    DAMAGED,
    SEAL,
    Seal,
    _write_seal,
    catalogue_damage,
    copy_damage,
    read_seal,
)
from indexer.generations.generation import current
from indexer.locking.opening import CATALOGUE
from tests.kit.damage import change, cut, empty, encrypt
from tests.kit.jobs import Job, ids
from tests.kit.standin import write_photo


@pytest.fixture
def made(quick: Job, tmp_path: Path) -> Job:
    """An index of four photos."""
    for seed in range(4):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    quick(tmp_path / "photos")
    return quick


def test_a_run_leaves_a_seal_and_a_copy(made: Job) -> None:
    assert catalogue_damage(made.index) is None
    assert copy_damage(made.index) is None
    assert (made.index / COPY).read_bytes() == (made.index / CATALOGUE).read_bytes()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE photos SET relative = '7.png' WHERE relative = '1.png'",
        "UPDATE photos SET id = id - 1 WHERE relative = '1.png'",
        "UPDATE contents SET width = 77",
        "DELETE FROM photos WHERE relative = '2.png'",
        "UPDATE vectors SET row = 0",
        "UPDATE state SET revision = 1",
    ],
)
def test_what_sqlite_cannot_see_is_undone(made: Job, tmp_path: Path, statement: str) -> None:
    before = ids(made)
    change(made.index, statement)
    write_photo(tmp_path / "photos" / "new.png", 5)
    report = made()
    assert "went back to the copy" in report.healed[0]
    assert (report.photos, report.embedded, report.added) == (5, 1, 1)
    after = ids(made)
    assert {name: after[name] for name in before} == before
    assert (made.index / DAMAGED).exists()
    assert made().healed == []


@pytest.mark.parametrize(
    "damage", [Path.unlink, empty, encrypt, cut(0.5)], ids=["gone", "empty", "garbage", "cut"]
)
def test_a_catalogue_that_is_lost_comes_back(made: Job, damage: Callable[[Path], None]) -> None:
    before = ids(made)
    damage(made.index / CATALOGUE)
    report = made()
    assert (report.embedded, report.photos) == (0, 4)
    assert len(report.healed) == 1
    assert ids(made) == before


def test_what_was_published_since_the_copy_is_published_anew(
    made: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed run published more than the copy knows; the catalogue that comes back must not pass for that."""
    write_photo(tmp_path / "photos" / "new.png", 5)
    with monkeypatch.context() as killed:
        killed.setattr("indexer.catalogue.safekeeping._seal", lambda *_: None)
        assert made().published
    (made.index / CATALOGUE).write_bytes(b"")
    write_photo(tmp_path / "photos" / "newer.png", 6)
    report = made()
    assert (report.published, report.photos) == (True, 6)
    assert current(made.index).name == "000003"


def test_after_a_kill_sqlite_and_every_row_are_looked_at(made: Job) -> None:
    before = ids(made)
    (made.index / SEAL).unlink()
    assert made().healed == []
    change(made.index, "UPDATE photos SET relative = '/etc/passwd' WHERE relative = '1.png'")
    _forget_seal_of_catalogue(made)
    report = made()
    assert "a row of photos is none of ours" in report.healed[0]
    assert ids(made) == before


def test_without_a_copy_it_says_what_to_do(made: Job, tmp_path: Path) -> None:
    change(made.index, "UPDATE contents SET width = 77")
    (made.index / COPY).write_bytes(b"damaged, too")
    assert copy_damage(made.index) == "not as the last run left it"
    with pytest.raises(NoIndex, match=r"no intact copy of it; delete it and catalogue\.sqlite\.copy"):
        made()
    (made.index / CATALOGUE).unlink()
    report = made(tmp_path / "photos")
    assert report.photos == 4


def test_a_full_disk_costs_the_copy_and_not_the_run(
    made: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_photo(tmp_path / "photos" / "new.png", 5)
    with monkeypatch.context() as patched:
        patched.setattr("indexer.catalogue.safekeeping.shutil.copyfile", full)
        assert made().photos == 5
    assert catalogue_damage(made.index) is None
    assert not list(made.index.glob("*.tmp"))
    assert made().healed == []
    assert copy_damage(made.index) is None


def test_a_damaged_seal_proves_nothing(made: Job) -> None:
    path = made.index / SEAL
    path.write_bytes(path.read_bytes()[:-3] + b"!!!")
    assert made().healed == []
    assert catalogue_damage(made.index) is None


def _forget_seal_of_catalogue(job: Job) -> None:
    """As a run leaves it that is killed: the copy is known, the catalogue is not."""
    _write_seal(job.index, Seal(copy=read_seal(job.index).copy))


def test_a_copy_without_its_seal_is_looked_at_and_used(made: Job) -> None:
    before = ids(made)
    (made.index / SEAL).unlink()
    data = bytearray((made.index / CATALOGUE).read_bytes())
    data[:16] = b"damaged at start"
    (made.index / CATALOGUE).write_bytes(bytes(data))
    report = made()
    assert "went back to the copy" in report.healed[0]
    assert (report.embedded, ids(made)) == (0, before)
    (made.index / SEAL).unlink()
    (made.index / CATALOGUE).unlink()
    assert "it is missing" in made().healed[0]
    assert ids(made) == before
