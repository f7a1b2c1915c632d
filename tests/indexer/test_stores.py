"""The store against brute force, and against files that are not its own."""

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import BrokenGeneration
from indexer.stores.faiss import FaissStore, build_flat
from model.modality import Vectors, unit

DIMENSION = 16


def vectors(count: int, seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32))


def build(path: Path, ids: list[int], rows: Vectors) -> FaissStore:
    half = len(ids) // 2
    parts = [(ids[:half], rows[:half]), (ids[half:], rows[half:])]
    build_flat(path, DIMENSION, [(np.array(some, dtype=np.int64), part) for some, part in parts])
    return FaissStore(path)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 60), k=st.integers(1, 80), seed=st.integers(0, 2**32 - 1))
def test_the_nearest_are_those_of_brute_force(
    tmp_path_factory: pytest.TempPathFactory, count: int, k: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    ids = [int(number) for number in chance.integers(0, 2**63 - 1, count)]
    rows, queries = vectors(count, seed), vectors(3, seed + 1)
    store = build(tmp_path_factory.mktemp("store") / "index.faiss", ids, rows)
    found = store.search(queries, k)
    exact = queries @ rows.astype(np.float16).astype(np.float32).T
    assert found.ids.shape == (3, min(k, count))
    for query in range(3):
        best = np.sort(exact[query])[::-1][: min(k, count)]
        assert np.allclose(found.scores[query], best, atol=1e-4)
        places = [ids.index(int(number)) for number in found.ids[query]]
        assert np.allclose(exact[query][places], best, atol=1e-4)


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    build_flat(tmp_path / "index.faiss", DIMENSION, [])
    store = FaissStore(tmp_path / "index.faiss")
    assert len(store) == 0
    assert store.sample() is None
    assert store.search(vectors(2, 0), 5).ids.shape == (2, 0)


def test_a_sample_is_a_stored_vector(tmp_path: Path) -> None:
    rows = vectors(9, 3)
    store = build(tmp_path / "index.faiss", list(range(100, 109)), rows)
    sample = store.sample()
    assert sample is not None
    number, vector = sample
    assert np.allclose(vector[0], rows[number - 100], atol=1e-3)


def test_files_that_are_no_store(tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    with pytest.raises(BrokenGeneration, match="cannot read it"):
        FaissStore(path)
    path.write_bytes(b"no index")
    with pytest.raises(BrokenGeneration, match="cannot read it"):
        FaissStore(path)
    faiss.write_index(faiss.IndexFlatIP(4), str(path))
    with pytest.raises(BrokenGeneration, match="without ids"):
        FaissStore(path)
