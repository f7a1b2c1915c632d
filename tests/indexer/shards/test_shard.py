"""Shards: rows read back as written, and damage is reported."""

from pathlib import Path

import numpy as np
import pytest

from indexer import BrokenGeneration
from indexer.shards.shard import ShardReader, ShardWriter, shard_path
from model.modality import unit


def rows(count: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((count, 8)).astype(np.float32))


def names(count: int) -> list[str]:
    return [f"photo {number}" for number in range(count)]


def test_rows_come_back_as_halves(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 8) as shard:
        places = shard.append(names(3), rows(3)) + shard.append(names(2), rows(2, seed=1))
        assert [place.row for place in places] == [0, 1, 2, 3, 4]
        shard.sync()
    found = ShardReader(tmp_path, 8).rows(shard.number, [4, 0])
    assert np.array_equal(found, np.stack([rows(2, seed=1)[1], rows(3)[0]]).astype(np.float16))


def test_each_run_writes_a_shard_of_its_own(tmp_path: Path) -> None:
    numbers = []
    for seed in range(3):
        with ShardWriter(tmp_path, 8) as shard:
            shard.append(names(1), rows(1, seed))
            numbers.append(shard.number)
    assert numbers == [1, 2, 3]
    reader = ShardReader(tmp_path, 8)
    for number in (2, 1, 3):
        assert np.array_equal(reader.rows(number, [0])[0], rows(1, number - 1)[0].astype(np.float16))


def test_a_run_without_vectors_leaves_no_shard(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 8):
        pass
    assert not list(tmp_path.iterdir())


def test_rows_of_another_width_are_a_mistake(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 8) as shard, pytest.raises(ValueError, match="rows of 8"):
        shard.append(names(2), rows(2)[:, :4])


def test_missing_and_shortened_shards_are_named(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 8) as shard:
        shard.append(names(4), rows(4))
    reader = ShardReader(tmp_path, 8)
    with pytest.raises(BrokenGeneration, match=r"000009\.f16: cannot be read"):
        reader.rows(9, [0])
    path = shard_path(tmp_path, shard.number)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(BrokenGeneration, match="truncated"):
        ShardReader(tmp_path, 8).rows(shard.number, [3])


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 7.0])
def test_what_is_no_vector_is_not_written(tmp_path: Path, value: float) -> None:
    bad = rows(3)
    bad[1] = value
    with ShardWriter(tmp_path, 8) as shard, pytest.raises(ValueError, match="unit length"):
        shard.append(names(3), bad)


def test_a_row_passes_for_no_other_photo_and_no_other_bytes(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 8) as shard:
        places = shard.append(names(4), rows(4))
    reader = ShardReader(tmp_path, 8)
    assert reader.intact(places).all()
    swapped = [places[0]._replace(row=1), places[1]._replace(row=0), *places[2:]]
    assert reader.intact(swapped).tolist() == [False, False, True, True]
    path = shard_path(tmp_path, shard.number)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        intact = ShardReader(tmp_path, 8).intact(places)
        assert np.flatnonzero(~intact).tolist() == [at // 16]
    path.write_bytes(whole[:40])
    assert ShardReader(tmp_path, 8).intact(places).tolist() == [True, True, False, False]
    path.unlink()
    assert not ShardReader(tmp_path, 8).intact(places).any()
