"""Every kind of store against brute force, with and without filters and dead ids, and files that are no store."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import BrokenGeneration
from indexer.stores import Ids, Rows
from indexer.stores.backend import Built
from indexer.stores.faiss import FLAT_UP_TO, FRESH, MAIN, SCAN_UP_TO, IndexType, kind_of
from indexer.stores.faiss.build import RECALL, build
from indexer.stores.faiss.codes import open_file
from indexer.stores.faiss.file import FEW, FaissFile
from indexer.stores.faiss.flat import write_flat
from indexer.stores.faiss.layers import LayeredStore, write_dead
from model.modality import Vectors
from tests.kit.vectors import DIMENSION, best, numbers, recall, source, vectors

KINDS: tuple[IndexType, ...] = ("flat", "codes", "hnsw", "ivf")
# How far a score, or a component of a vector, may be from brute force. fp16 rounds each component by at most
# eps/2 of itself, or half its smallest step where it is tiny: a unit vector moves by eps/2 + step/2 * sqrt(d), and a
# score with a unit query by no more (Cauchy-Schwarz). Brute force and the store each round, and an inverted list
# rounds what is left beside its centre, which is up to 2 long: three times that. float32 sums add eps * d.
FP16, FP32 = np.finfo(np.float16), np.finfo(np.float32)
ROUNDED = float(FP16.eps / 2 + FP16.smallest_subnormal / 2 * np.sqrt(DIMENSION))
TOLERANCE = 3 * ROUNDED + float(FP32.eps) * DIMENSION


@pytest.fixture(scope="module", params=KINDS)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    folder = tmp_path_factory.mktemp(request.param)
    return folder, build(folder / MAIN, source(numbers(6000, 1), vectors(6000, 1)), request.param)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 60),
    k=st.integers(1, 80),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
)
def test_the_nearest_are_those_of_brute_force(
    tmp_path_factory: pytest.TempPathFactory, count: int, k: int, seed: int, kind: IndexType
) -> None:
    ids, rows, queries = numbers(count, seed), vectors(count, seed), vectors(3, seed + 1)
    path = tmp_path_factory.mktemp("store") / MAIN
    built = build(path, source(ids, rows, 7), kind)
    found = open_file(path, built.effort).search(queries, k)
    exact = best(queries, ids, rows, k)
    assert found.ids.shape == exact.ids.shape == (3, min(k, count))
    assert np.allclose(found.scores, exact.scores, rtol=0, atol=TOLERANCE)
    assert all(len(set(row)) == len(row) for row in found.ids.tolist())


def test_recall_is_what_the_build_says(large: tuple[Path, Built]) -> None:
    folder, built = large
    assert built.recall >= RECALL - 0.01
    store, queries = open_file(folder / MAIN, built.effort), vectors(100, 2)
    exact = best(queries, numbers(6000, 1), vectors(6000, 1), 10)
    assert recall(store.search(queries, 10), exact) >= 0.96
    assert store.kind == built.kind


@pytest.mark.parametrize("in_memory", [0, 2**30])
@pytest.mark.parametrize("count", [0, 1, 3, FEW, FEW + 1, 4500])
def test_a_filter_finds_k_of_those_that_pass(large: tuple[Path, Built], count: int, in_memory: int) -> None:
    folder, built = large
    ids, rows, queries = numbers(6000, 1), vectors(6000, 1), vectors(30, 3)
    file = open_file(folder / MAIN, built.effort, in_memory=in_memory)
    chosen = np.random.default_rng(count).choice(6000, count, replace=False)
    for k in (10, 300):
        found = file.search(queries, k, Rows.of(file.find(ids[chosen]), len(file)))
        assert found.ids.shape == (30, min(k, count))
        assert np.isin(found.ids, ids[chosen]).all()
        if count:
            assert recall(found, best(queries, ids[chosen], rows[chosen], k)) >= 0.93


def test_vectors_come_back_by_id(large: tuple[Path, Built]) -> None:
    folder, built = large
    ids, rows = numbers(6000, 1), vectors(6000, 1)
    store = LayeredStore.open(folder, built.effort)
    places = np.array([5999, 0, 17, 17])
    assert np.allclose(store.vectors(ids[places]), rows[places], rtol=0, atol=TOLERANCE)
    assert not store.vectors(np.array([-5, 3])).any()
    found = store.sample()
    assert found is not None
    assert np.allclose(found[1][0], rows[ids.tolist().index(found[0])], rtol=0, atol=TOLERANCE)


def test_the_dead_are_never_found_and_the_fresh_are(large: tuple[Path, Built]) -> None:
    folder, built = large
    ids, rows, queries = numbers(6000, 1), vectors(6000, 1), vectors(30, 4)
    fresh_ids, fresh = np.r_[ids[:50], numbers(150, 9)], vectors(200, 9)
    try:
        # The first fifty changed: their old vectors are dead, their new ones are beside them.
        write_dead(folder, ids[:300])
        build(folder / FRESH, source(fresh_ids, fresh), "flat")
        store = LayeredStore.open(folder, built.effort)
    finally:
        (folder / FRESH).unlink()
    alive_ids, alive = np.r_[ids[300:], fresh_ids], np.r_[rows[300:], fresh]
    assert (len(store), sorted(store.ids.tolist())) == (5900, sorted(alive_ids.tolist()))
    for chosen in (None, np.arange(0, 5900, 1400), np.arange(5700, 5900), np.arange(0, 5900, 2)):
        among = None if chosen is None else store.select(np.r_[alive_ids[chosen], ids[200:210]])
        part = np.arange(5900) if chosen is None else chosen
        found, exact = store.search(queries, 12, among), best(queries, alive_ids[part], alive[part], 12)
        assert recall(found, exact) >= 0.93
        assert np.isin(found.ids, alive_ids[part]).all()
    assert np.allclose(store.vectors(ids[:50]), fresh[:50], rtol=0, atol=TOLERANCE)


def test_a_selector_that_is_not_heeded_is_made_up_for(
    large: tuple[Path, Built], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some indexes of FAISS take one and never look at it."""
    folder, built = large
    file = open_file(folder / MAIN, built.effort)
    rows = Rows.of(np.arange(0, 6000, 2), 6000)
    monkeypatch.setattr(faiss, "IDSelectorBitmap", lambda _: faiss.IDSelectorAll())
    found = file.search(vectors(20, 5), 10, rows)
    assert np.isin(found.ids[found.ids >= 0], file.ids[::2]).all()


def test_the_kind_depends_on_the_size() -> None:
    sizes = (0, FLAT_UP_TO, FLAT_UP_TO + 1, SCAN_UP_TO, SCAN_UP_TO + 1, 10**7)
    small, large, huge = ["flat-fp16"] * 2, ["codes"] * 2, ["ivf-codes"] * 2
    assert [kind_of("auto", n) for n in sizes] == [*small, *large, *huge]
    assert [kind_of(kind, 10**6) for kind in KINDS] == ["flat-fp16", "ivf-codes", "hnsw-fp16", "ivf-fp16"]
    assert [kind_of(kind, 0) for kind in KINDS] == ["flat-fp16"] * 4
    assert kind_of("ivf", 100) == kind_of("codes", 100) == "flat-fp16"


def test_building_tells_how_far_it_is(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    build(tmp_path / MAIN, source(numbers(3000, 1), vectors(3000, 1)), "ivf", lambda *now: said.append(now))
    assert {what for what, _, _ in said} == {"training", "indexing", "measuring"}
    assert ("indexing", 2000, 3000) in said
    assert said[-1] == ("measuring", 3000, 3000)


@pytest.mark.parametrize("most", [1, 7, 999, 5000])
def test_a_sample_is_spread_over_all(most: int) -> None:
    rows = vectors(2500, 1)
    found = source(numbers(2500, 1), rows, 300).sample(most)
    step = -(-2500 // most)
    assert np.array_equal(found, rows[::step])
    assert len(found) <= most


def test_files_that_are_no_store(tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    with pytest.raises(BrokenGeneration, match="not readable by FAISS"):
        FaissFile(path)
    path.write_bytes(b"no index")
    with pytest.raises(BrokenGeneration, match="not readable by FAISS"):
        FaissFile(path)
    faiss.write_index(faiss.IndexFlatIP(4), str(path))
    with pytest.raises(BrokenGeneration, match="has no ids"):
        FaissFile(path)
    faiss.write_index(faiss.IndexIDMap(faiss.IndexFlatIP(4)), str(path))
    with pytest.raises(BrokenGeneration, match="not an index of a known kind"):
        FaissFile(path)


@pytest.mark.parametrize("count", [0, 1, 700])
def test_a_flat_file_is_written_as_faiss_writes_it(tmp_path: Path, count: int) -> None:
    ids, rows = numbers(count, 1), vectors(count, 1).astype(np.float16).astype(np.float32)
    write_flat(tmp_path / "ours", source(ids, rows, 7), lambda *_: None)
    index = faiss.IndexIDMap(
        faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    )
    index.add_with_ids(rows, ids)
    faiss.write_index(index, str(tmp_path / "theirs"))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_a_source_that_yields_less_than_it_says_is_refused(tmp_path: Path) -> None:
    given = source(numbers(20, 1), vectors(20, 1), 7)
    with pytest.raises(ValueError, match="expected 21 vectors, got 20"):
        write_flat(tmp_path / "short", replace(given, count=21), lambda *_: None)


def test_positions_are_read_in_any_order_also_without_a_way_to_them() -> None:
    given, rows = source(numbers(20, 1), vectors(20, 1), 7), vectors(20, 1)
    wanted = np.array([19, 0, 7, 7, 6])
    assert np.array_equal(given.at(wanted), rows[wanted])
    assert np.array_equal(
        replace(given, rows=lambda positions: 2 * rows[positions]).at(wanted), 2 * rows[wanted]
    )


def test_a_sample_does_not_keep_the_batches_that_it_is_from() -> None:
    given = source(numbers(100, 1), vectors(100, 1), 7)
    seen: list[weakref.ref[Vectors]] = []
    kept: list[int] = []

    def batches_seen() -> Iterator[tuple[Ids, Vectors]]:
        for part, rows in given.batches():
            kept.append(sum(batch() is not None for batch in seen[:-1]))
            fresh = rows.copy()
            seen.append(weakref.ref(fresh))
            yield part, fresh
            del fresh

    found = replace(given, batches=batches_seen).sample(20)
    assert found.shape == (20, DIMENSION)
    assert len(kept) > 10
    assert not any(kept)
