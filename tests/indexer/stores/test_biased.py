"""Biases behind the vectors of a store: subtracted exactly, invisible otherwise, in every kind of store."""

from pathlib import Path

import numpy as np
import pytest

from indexer import index_types
from indexer.stores.biased import EXTRA, BiasedStore, widened
from indexer.stores.registry import Stores, asked
from model.bank import KINDS, weights_of
from model.modality import Modality
from tests.kit.vectors import DIMENSION, by_id, numbers, source, vectors

COUNT = 700
IDS, ROWS = numbers(COUNT, 1), vectors(COUNT, 1)
BIASES = np.random.default_rng(7).uniform(0.1, 0.5, (COUNT, len(KINDS))).astype(np.float32)
KIND = {Modality.SKETCH: 0.8, Modality.TEXT: -0.4}


@pytest.fixture(scope="module", params=index_types())
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BiasedStore:
    name, own = asked(request.param)
    backend, folder = Stores()[name], tmp_path_factory.mktemp("biased")
    built = backend.build(folder, widened(source(IDS, ROWS), by_id(IDS, BIASES)), own)
    return BiasedStore(backend.open(folder, built), DIMENSION, biased=True)


def test_scores_are_the_cosines_minus_what_the_query_weighs(store: BiasedStore) -> None:
    queries, weights = vectors(8, 2), weights_of(KIND)
    assert weights.tolist() == pytest.approx([0.8, -0.4, 0.0])
    exact = queries @ ROWS.T - BIASES @ weights
    for query, expected in zip(queries, exact, strict=True):
        found = store.search(query[None], 20, weights=weights)
        scores = dict(zip(IDS.tolist(), expected.tolist(), strict=True))
        assert [scores[number] for number in found.ids[0].tolist()] == pytest.approx(
            found.scores[0].tolist(), abs=5e-3
        )
        if store.exact:
            assert np.allclose(found.scores[0], -np.sort(-expected)[:20], atol=5e-3)


def test_without_weights_a_search_is_as_without_biases(store: BiasedStore) -> None:
    query = vectors(1, 3)
    found, scores = store.search(query, 10), ROWS @ query[0]
    cosines = dict(zip(IDS.tolist(), scores.tolist(), strict=True))
    assert found.scores[0].tolist() == pytest.approx(
        [cosines[number] for number in found.ids[0].tolist()], abs=5e-3
    )
    chosen = store.select(IDS[:50])
    assert set(store.search(query, 10, chosen, weights_of(KIND)).ids[0].tolist()) <= set(IDS[:50].tolist())


def test_vectors_and_biases_come_back_apart(store: BiasedStore) -> None:
    assert np.allclose(store.vectors(IDS[:9]), ROWS[:9], atol=1e-3)
    rows, biases = store.both(IDS[:9])
    assert np.allclose(rows, ROWS[:9], atol=1e-3)
    assert np.allclose(biases, BIASES[:9], atol=1e-3)
    sample = store.sample()
    assert sample is not None
    assert sample[1].shape == (1, DIMENSION)


def test_a_store_without_biases_is_left_as_it_is(tmp_path: Path) -> None:
    backend = Stores()["faiss"]
    plain = backend.open(tmp_path, backend.build(tmp_path, source(IDS, ROWS), "flat"))
    store, query = BiasedStore(plain, DIMENSION, biased=False), vectors(1, 4)
    assert (
        store.search(query, 5, weights=weights_of(KIND)).ids.tolist() == plain.search(query, 5).ids.tolist()
    )
    assert not store.both(IDS[:4])[1].any()
    assert (DIMENSION + EXTRA) % 8 == 0
