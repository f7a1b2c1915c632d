"""Folding the near-duplicates of a whole publication: the same groups whatever the photos are published to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.collection import Collection
from indexer.duplicates import cells, groups
from indexer.duplicates.contents import Contents
from indexer.duplicates.folding import Older, fold, known_groups
from indexer.duplicates.room import Room
from indexer.duplicates.signatures import BYTES, Signatures
from indexer.generations.photos import PHOTOS_FILE, PhotosWriter
from indexer.generations.writer import publish
from indexer.stores import Ids, Source
from model.modality import Vectors, unit
from tests.kit.catalogued import add, opened

DIMENSION, PHOTOS = 16, 3000


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    made = opened(tmp_path / "index", DIMENSION)
    with made.catalogue:
        yield made


def made_up(count: int, seed: int) -> tuple[Vectors, Signatures]:
    """Photos of which every tenth is nearly the one before, and every other tenth looks like it."""
    chance = np.random.default_rng(seed)
    vectors = unit(chance.standard_normal((count, DIMENSION)).astype(np.float32))
    looks = chance.integers(0, 256, (count, BYTES), dtype=np.uint8)
    noise = chance.standard_normal((len(vectors[1::10]), DIMENSION)).astype(np.float32)
    vectors[1::10] = unit(vectors[::10][: len(noise)] + 0.03 * noise)
    looks[5::10] = looks[4::10][: len(looks[5::10])] ^ 1
    return vectors, looks


def folded_alone(folder: Path, collection: Collection, older: Path | None = None) -> dict[int, int]:
    """The groups of a photo list that is not part of a generation, and has no store."""
    photos = PhotosWriter(folder / PHOTOS_FILE)
    photos.fill(collection.write_photos)
    before = None if older is None else Older(older, photos.unchanged_since(older))
    fold(photos, collection.inventory(), before)
    photos.finish()
    return folded_in(folder / PHOTOS_FILE)


def published(collection: Collection, index_type: str) -> Path:
    manifest = publish(collection.folder, collection, index_type=index_type)
    return collection.folder / "generations" / manifest.generation / PHOTOS_FILE


def folded_in(path: Path) -> dict[int, int]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT id, duplicate_of FROM photos WHERE duplicate_of IS NOT NULL"))


@pytest.mark.parametrize("index_type", ["flat", "hnsw"])
def test_no_store_is_needed(collection: Collection, tmp_path: Path, index_type: str) -> None:
    vectors, looks = made_up(PHOTOS, 1)
    add(collection, range(PHOTOS), vectors, looks, copies=2)
    first = published(collection, index_type)
    (tmp_path / "first").mkdir()
    assert folded_alone(tmp_path / "first", collection) == folded_in(first)
    assert len(folded_in(first)) >= PHOTOS + 400
    # A few more, most of which are near-duplicates of some that were there.
    noise = np.random.default_rng(2).standard_normal((60, DIMENSION)).astype(np.float32)
    more = unit(vectors[:60] + 0.01 * noise)
    add(collection, range(PHOTOS, PHOTOS + 60), more, looks[60:120] ^ 1)
    second = published(collection, index_type)
    (tmp_path / "second").mkdir()
    assert folded_alone(tmp_path / "second", collection, first) == folded_in(second)
    assert len(folded_in(second)) >= len(folded_in(first)) + 50
    assert folded_in(first).items() <= folded_in(second).items()


@pytest.mark.parametrize("with_new", [False, True])
@settings(max_examples=15, deadline=None)
@given(
    count=st.integers(0, 700),
    seed=st.integers(0, 2**32 - 1),
    dimension=st.sampled_from([3, 16, 160]),
    memory=st.sampled_from([1, 1000, 50_000]),
    copies=st.integers(1, 300),
)
def test_in_next_to_no_memory_the_groups_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    seed: int,
    dimension: int,
    memory: int,
    copies: int,
    with_new: bool,
) -> None:
    """Libraries with near-duplicates, look-alikes, and many copies of a few photos."""
    chance = np.random.default_rng(seed)
    vectors = unit(chance.standard_normal((count, dimension)).astype(np.float32))
    repeated = chance.integers(0, max(1, count), (2, copies)) if count else np.empty((2, 0), dtype=int)
    noise = 0.05 * chance.standard_normal((repeated.shape[1], dimension)).astype(np.float32)
    vectors[repeated[0]] = unit(vectors[repeated[1] // 7] + noise / dimension**0.5)
    looks = chance.integers(0, 256, (count, BYTES), dtype=np.uint8)
    looks[repeated[1]] = looks[repeated[0]] ^ 1
    new = chance.random(count) < 0.3 if with_new else None

    def batches() -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, count, 90):
            yield np.arange(start, min(start + 90, count)), vectors[start : start + 90]

    source = Source(count, dimension, batches, rows=lambda positions: vectors[positions])
    found = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cells, "_FROM", 50)
        patched.setattr(cells, "WINDOW", 200)
        rooms = (Room(tmp_path_factory.mktemp("room"), memory), Room(tmp_path_factory.mktemp("room")))
        for room, many in zip(rooms, (20, groups._MANY), strict=True):
            patched.setattr(groups, "_MANY", many)
            with room:
                contents = Contents(np.arange(count), np.arange(count), source, looks, room)
                pairs = groups.all_pairs(contents, new=new)
                leaders = groups.stand_ins(contents, pairs, (np.empty(0, int), np.empty(0, int)))
                found.append((pairs.keys.tolist(), leaders.tolist()))
            assert list(room.parent.iterdir()) == []
    assert found[0] == found[1]


def test_groups_of_which_the_leader_is_gone_stay_together() -> None:
    """By hand: the group of 10 lost its leader, that of 20 keeps it, of 30 only the leader is left; 50 is new."""
    contents = np.array([12, 50, 21, 11, 20, 30])
    places, leaders = known_groups(
        contents, contents != 50, np.array([11, 12, 21, 31]), np.array([10, 10, 20, 30])
    )
    assert dict(zip(contents[places].tolist(), contents[leaders].tolist(), strict=True)) == {11: 12, 21: 20}
