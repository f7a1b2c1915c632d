"""Vectors that are damaged while a run is at work: what is read for a generation is checked first."""

from pathlib import Path

import numpy as np
import pytest

from indexer import IndexProblem, Published
from indexer.collection import Collection, Places
from indexer.duplicates.room import Room
from indexer.duplicates.signatures import BYTES
from indexer.shards.shard import shards, vectors_folder
from model.modality import Vectors, unit
from tests.kit.catalogued import add, opened
from tests.kit.jobs import Job
from tests.kit.standin import write_photo

PHOTOS = 40


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(PHOTOS):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    return tmp_path / "photos"


def vectors(job: Job) -> dict[str, Vectors]:
    opened = Published.open(job.index, job.encoder.fingerprint)
    found = opened.nearest(np.ones(job.encoder.dimension, np.float32), 2 * PHOTOS)
    names = [hit.photo.relative for hit in opened.hits(found.ids, found.scores)]
    return dict(zip(names, opened.vectors(found.ids), strict=True))


def damage_while_publishing(job: Job, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    """Flip a bit of the shard's first row once the run has checked all vectors."""
    places = Collection.places

    def damaged(collection: Collection) -> Places:
        path = shards(vectors_folder(job.index, job.encoder.fingerprint))[shard]
        data = bytearray(path.read_bytes())
        data[3] ^= 0x10
        path.write_bytes(data)
        return places(collection)

    monkeypatch.setattr(Collection, "places", damaged)


@pytest.mark.parametrize("index_type", ["flat", "hnsw"])
def test_a_new_vector_that_is_damaged_is_not_published(
    quick: Job, photos: Path, monkeypatch: pytest.MonkeyPatch, index_type: str
) -> None:
    quick(photos, index_type=index_type)
    before = vectors(quick)
    write_photo(photos / "new.png", 90)
    with monkeypatch.context() as patched:
        damage_while_publishing(quick, patched, shard=2)
        with pytest.raises(IndexProblem, match="row 0 of shard 2 was damaged during this run"):
            quick(photos)
    assert vectors(quick).keys() == before.keys()
    assert quick(photos).healed
    assert vectors(quick).keys() == before.keys() | {"new.png"}


def test_an_extended_index_keeps_published_vectors_and_the_next_run_heals_the_damaged(
    quick: Job, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(photos, index_type="hnsw")
    before = vectors(quick)
    write_photo(photos / "new.png", 90)
    with monkeypatch.context() as patched:
        damage_while_publishing(quick, patched, shard=1)
        assert quick(photos).published
    after = vectors(quick)
    assert after.keys() == before.keys() | {"new.png"}
    assert all(np.array_equal(after[name], row) for name, row in before.items())
    assert any("copied back" in line for line in quick(photos).healed)


def test_all_vectors_are_checked_where_all_are_read(
    quick: Job, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(photos)
    write_photo(photos / "new.png", 90)
    damage_while_publishing(quick, monkeypatch, shard=1)
    with pytest.raises(IndexProblem, match="row 0 of shard 1 was damaged during this run"):
        quick(photos)


def test_an_inventory_has_each_content_once_and_its_signature(tmp_path: Path) -> None:
    """Of contents that nobody has looked at, and of those without a photo, there is nothing to say."""
    collection = opened(tmp_path / "index", 8)
    chance = np.random.default_rng(1)
    vectors = unit(chance.standard_normal((6, 8)).astype(np.float32))
    looks = chance.integers(0, 256, (6, BYTES), dtype=np.uint8)
    with collection.catalogue as catalogue:
        add(collection, [40, 10, 30], vectors[:3], looks[:3], copies=2)
        add(collection, [20, 50, 60], vectors[3:], looks[3:])
        catalogue.connection.execute("DELETE FROM looks WHERE content = ?", (f"{10:032x}",))
        there = list(catalogue.places(collection.origin.fingerprint))
        catalogue.remove(number for number, *place in there if place == [2, 1])
        inventory = collection.inventory()
        assert inventory.first.tolist() == [True, False] * 3 + [True, True]
        with Room(tmp_path, 1) as room:
            seen = np.array(inventory.signatures(room))
        assert np.array_equal(seen, np.stack([looks[0], 0 * looks[1], looks[2], looks[3], looks[5]]))
        found = inventory.vectors.at(np.array([7, 0, 1, 4, 6]))
        assert np.allclose(found, vectors[[5, 0, 0, 2, 3]], atol=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
