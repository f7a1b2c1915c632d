"""Folding the near-duplicates of a whole publication: the same groups whatever the photos are published to."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.collection import Collection
from indexer.duplicates.folding import Older, fold
from indexer.duplicates.signatures import BYTES, Signatures
from indexer.generations.photos import PHOTOS_FILE, Photos, PhotosWriter
from indexer.generations.writer import publish
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
    return groups(folder / PHOTOS_FILE)


def published(collection: Collection, index_type: str) -> Path:
    manifest = publish(collection.folder, collection, index_type=index_type)
    return collection.folder / "generations" / manifest.generation / PHOTOS_FILE


def groups(path: Path) -> dict[int, int]:
    photos = Photos(path)
    try:
        return photos.groups()
    finally:
        photos.close()


@pytest.mark.parametrize("index_type", ["flat", "hnsw"])
def test_no_store_is_needed(collection: Collection, tmp_path: Path, index_type: str) -> None:
    vectors, looks = made_up(PHOTOS, 1)
    add(collection, range(PHOTOS), vectors, looks, copies=2)
    first = published(collection, index_type)
    (tmp_path / "first").mkdir()
    assert folded_alone(tmp_path / "first", collection) == groups(first)
    assert len(groups(first)) >= PHOTOS + 400
    # A few more, most of which are near-duplicates of some that were there.
    noise = np.random.default_rng(2).standard_normal((60, DIMENSION)).astype(np.float32)
    more = unit(vectors[:60] + 0.01 * noise)
    add(collection, range(PHOTOS, PHOTOS + 60), more, looks[60:120] ^ 1)
    second = published(collection, index_type)
    (tmp_path / "second").mkdir()
    assert folded_alone(tmp_path / "second", collection, first) == groups(second)
    assert len(groups(second)) >= len(groups(first)) + 50
    assert groups(first).items() <= groups(second).items()
