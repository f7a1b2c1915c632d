"""Bits that flip in what an index is made of: whatever is hit, the next run serves each photo by its own vector.

SKETCHSEEK_THOROUGH=1 flips four hundred times each.
"""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import IndexProblem, inspect
from indexer.catalogue.safekeeping import COPY, SEAL, Seal, _write_seal, read_seal
from indexer.locking.opening import CATALOGUE
from tests.kit.hostile import thorough
from tests.kit.jobs import Job, ids
from tests.kit.standin import Library, contents, published

TIMES = thorough(12, 400)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "photos", 7)
    for number in range(12):
        library.write(f"{'ab'[number % 2]}/{number}.png")
    return library


@pytest.fixture
def rested(quick: Job, library: Library, tmp_path: Path) -> Path:
    """An index as its last run left it."""
    quick(library.folder)
    quick.index.rename(tmp_path / "rested")
    return tmp_path / "rested"


def _shard(index: Path) -> Path:
    return next(index.rglob("*.f16"))


def _flip_in(path: Path, dice: random.Random, *, bits: int = 1) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(bits):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(bytes(data))


def _swap_rows(path: Path, dice: random.Random) -> None:
    data, width = bytearray(path.read_bytes()), 96
    one, other = (width * row for row in dice.sample(range(len(data) // width), 2))
    data[one : one + width], data[other : other + width] = (
        data[other : other + width],
        data[one : one + width],
    )
    path.write_bytes(bytes(data))


def _infinite(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    at = 2 * dice.randrange(len(data) // 2)
    data[at : at + 2] = b"\x00\x7c"
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "damage",
    [
        lambda index, dice: _flip_in(_shard(index), dice),
        lambda index, dice: _flip_in(_shard(index), dice, bits=40),
        lambda index, dice: _swap_rows(_shard(index), dice),
        lambda index, dice: _infinite(_shard(index), dice),
        lambda index, dice: _shard(index).write_bytes(_shard(index).read_bytes()[: dice.randrange(1152)]),
    ],
    ids=["bit", "bits", "swap", "infinity", "cut"],
)
def test_shards(
    quick: Job, rested: Path, library: Library, damage: Callable[[Path, random.Random], None]
) -> None:
    dice = random.Random(1)
    for _ in range(TIMES // 2):
        shutil.copytree(rested, quick.index)
        before = ids(quick)
        damage(quick.index, dice)
        library.change()
        report = quick(library.folder, accept_deletions=True)
        assert any("damaged or lost" in line for line in report.healed)
        _everything_is_right(quick, library, before)
        shutil.rmtree(quick.index)
        shutil.rmtree(rested)
        quick(library.folder, accept_deletions=True)
        quick.index.rename(rested)


@pytest.mark.parametrize("bits", [1, 30])
def test_the_catalogue(quick: Job, rested: Path, library: Library, bits: int) -> None:
    dice = random.Random(2 + bits)
    for _ in range(TIMES):
        shutil.copytree(rested, quick.index)
        before = ids(quick)
        _flip_in(quick.index / CATALOGUE, dice, bits=bits)
        library.write(f"new {dice.random()}.png")
        report = quick()
        assert "went back to the copy" in report.healed[0]
        _everything_is_right(quick, library, before)
        shutil.rmtree(quick.index)


@pytest.mark.parametrize("name", [SEAL, COPY])
def test_what_guards_the_catalogue(quick: Job, rested: Path, library: Library, name: str) -> None:
    """Damage to the seal or to the copy alone costs nothing."""
    dice = random.Random(3)
    for _ in range(TIMES // 3):
        shutil.copytree(rested, quick.index)
        before = ids(quick)
        _flip_in(quick.index / name, dice)
        library.write(f"new {dice.random()}.png")
        quick()
        _everything_is_right(quick, library, before)
        shutil.rmtree(quick.index)


def test_the_catalogue_after_a_kill_never_serves_another_photos_vector(
    quick: Job, rested: Path, library: Library
) -> None:
    """Nothing tells how a killed run left it: what SQLite cannot see may cost an id, or is refused."""
    dice = random.Random(4)
    refused = 0
    for _ in range(TIMES):
        shutil.copytree(rested, quick.index)
        _write_seal(quick.index, Seal(copy=read_seal(quick.index).copy))
        _flip_in(quick.index / CATALOGUE, dice)
        library.write(f"new {dice.random()}.png")
        try:
            quick()
        except IndexProblem:
            refused += 1
        else:
            assert published(quick.index, library.seeds) == contents(library.folder)
        shutil.rmtree(quick.index)
    assert refused < TIMES


def _everything_is_right(quick: Job, library: Library, before: dict[str, int]) -> None:
    assert published(quick.index, library.seeds) == contents(library.folder)
    assert inspect(quick.index) == []
    after = ids(quick)
    assert all(after[name] == number for name, number in before.items() if name in after)
