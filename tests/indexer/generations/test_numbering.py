"""Numbers of generations, which are given out once."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.generations.generation import current, generations, prune, release, rollback
from indexer.generations.numbering import HIGHEST, highest
from tests.kit.failpoints import DIED, Death, in_fork, lay_mines
from tests.kit.jobs import Job
from tests.kit.standin import write_photo


@pytest.fixture
def grown(quick: Job, tmp_path: Path) -> Job:
    """Three generations."""
    for seed in range(3):
        publish(quick, tmp_path / "photos", seed, keep=5)
    return quick


def publish(job: Job, photos: Path, seed: int, keep: int = 2) -> str:
    write_photo(photos / f"{seed}.png", seed)
    return job(photos, keep=keep).generation


def test_a_number_that_was_rolled_back_from_and_pruned_is_not_given_again(grown: Job, tmp_path: Path) -> None:
    rollback(grown.index)
    assert prune(grown.index, 1) == ["000001", "000003"]
    release(grown.index)
    assert publish(grown, tmp_path / "photos", 10) == "000004"


def test_no_number_comes_twice_whatever_is_done(grown: Job, tmp_path: Path) -> None:
    dice, given = random.Random(7), {folder.name for folder in generations(grown.index)}
    for seed in range(100, 130):
        for _ in range(dice.randrange(3)):
            if len(generations(grown.index)) > 1 and current(grown.index) != generations(grown.index)[-1]:
                rollback(grown.index)
            prune(grown.index, dice.randint(1, 3))
            release(grown.index)
        if dice.random() < 0.2:
            for path in grown.index.glob("catalogue.sqlite*"):
                path.unlink()
        name = publish(grown, tmp_path / "photos", seed, keep=3)
        assert name not in given
        given.add(name)


@pytest.mark.parametrize("lost", ["generations", "CURRENT", HIGHEST])
def test_what_is_left_tells_the_number(grown: Job, tmp_path: Path, lost: str) -> None:
    path = grown.index / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert publish(grown, tmp_path / "photos", 10) == "000004"


@pytest.mark.parametrize("damage", [b"", b"\0" * 7, b"9" * 40, b"-00001", "٣٣٣٣٣٣".encode()])
def test_a_damaged_note_of_the_number_is_passed_over(grown: Job, tmp_path: Path, damage: bytes) -> None:
    (grown.index / HIGHEST).write_bytes(damage)
    assert publish(grown, tmp_path / "photos", 10) == "000004"
    assert (grown.index / HIGHEST).read_text() == "000004\n"


def test_an_index_of_an_older_version_goes_on_where_it_was(grown: Job, tmp_path: Path) -> None:
    (grown.index / HIGHEST).unlink()
    rollback(grown.index)
    assert prune(grown.index, 1) == ["000001", "000003"]
    release(grown.index)
    assert publish(grown, tmp_path / "photos", 10) == "000004"


def _pruned(index: Path) -> None:
    prune(index, 1)


@pytest.mark.slow
def test_a_death_at_any_moment_gives_no_number_twice(grown: Job, tmp_path: Path) -> None:
    """While pruning what was rolled back from, and while publishing."""
    rollback(grown.index)
    release(grown.index)
    start, photos = shutil.copytree(grown.index, tmp_path / "start"), tmp_path / "photos"
    write_photo(photos / "10.png", 10)
    works: list[Callable[[], object]] = [lambda: _pruned(grown.index), lambda: grown(photos)]
    for work in works:
        at, status = 1, DIED
        while status == DIED:
            shutil.rmtree(grown.index)
            shutil.copytree(start, grown.index)

            def dying(at: int = at, work: Callable[[], object] = work) -> None:
                lay_mines(Death(at))
                work()

            status = in_fork(dying)
            before = highest(grown.index)
            assert before >= 3
            if current(grown.index).name != "000004":
                prune(grown.index, 1)
                assert publish(grown, photos, 11) not in ("000001", "000002", "000003")
            at += 5
        (photos / "11.png").unlink(missing_ok=True)
    assert (grown.index / HIGHEST).exists()
