"""What every store promises, for each entry of the registry and each of its index types."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from indexer import BrokenGeneration, IndexProblem, index_types
from indexer.stores import Batches, Ids, Nearest, Source, Store
from indexer.stores.backend import Backend, Before, Built
from indexer.stores.registry import DEFAULT, STORES, Stores, asked, spelled, split
from model.modality import Vectors, unit

COUNT, DIMENSION = 700, 16


def vectors(count: int, seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32))


IDS: Ids = np.random.default_rng(1).integers(0, 2**63 - 1, COUNT)
ROWS = vectors(COUNT, 1)


def source(ids: Ids, rows: Vectors) -> Source:
    def batches() -> Batches:
        for start in range(0, len(ids), 300):
            yield ids[start : start + 300], rows[start : start + 300]

    return Source(len(ids), DIMENSION, batches)


def best(queries: Vectors, ids: Ids, rows: Vectors, k: int) -> Nearest:
    scores = queries @ rows.T
    order = np.argsort(-scores, axis=1)[:, :k]
    return Nearest(ids[order], np.take_along_axis(scores, order, axis=1))


@dataclass(frozen=True)
class Made:
    """A store of COUNT vectors, as it was built and opened."""

    backend: Backend
    own_type: str
    folder: Path
    built: Built

    def open(self) -> Store:
        return self.backend.open(self.folder, self.built)


@pytest.fixture(scope="module", params=index_types())
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    name, own = asked(request.param)
    backend, folder = Stores()[name], tmp_path_factory.mktemp("store")
    return Made(backend, own, folder, backend.build(folder, source(IDS, ROWS), own))


def agree(store: Store, found: Nearest, exact: Nearest) -> None:
    """The same results, but for what fp16 rounds and an approximate index may miss."""
    assert found.ids.shape == found.scores.shape == exact.ids.shape
    assert all(len(set(row)) == len(row) for row in found.ids.tolist())
    assert (np.diff(found.scores, axis=1) <= 1e-6).all()
    if store.exact:
        assert np.allclose(found.scores, exact.scores, atol=5e-3)
    else:
        right = [len({*a} & {*b}) for a, b in zip(found.ids.tolist(), exact.ids.tolist(), strict=True)]
        assert sum(right) >= 0.9 * exact.ids.size


def test_all_that_it_writes_is_named(made: Made) -> None:
    assert made.built.kind in made.backend.kinds
    assert made.own_type in made.backend.types
    assert made.backend.files <= {path.name for path in made.folder.iterdir()}
    assert {path.parent for path in made.backend.read_later(made.folder)} <= {made.folder}
    assert 0.9 < made.built.recall <= 1.0


@pytest.mark.parametrize("k", [1, 10, COUNT, COUNT + 5])
def test_it_finds_the_nearest(made: Made, k: int) -> None:
    store, queries = made.open(), vectors(20, 2)
    assert (len(store), store.device) == (COUNT, "cpu")
    agree(store, store.search(queries, k), best(queries, IDS, ROWS, k))
    assert store.let_go() is None


@pytest.mark.parametrize("count", [0, 1, 7, 300, COUNT])
def test_it_finds_among_what_is_selected(made: Made, count: int) -> None:
    store, queries = made.open(), vectors(20, 3)
    chosen = np.random.default_rng(count).choice(COUNT, count, replace=False)
    unknown = np.array([-5, 2**62 + 1], dtype=np.int64)
    among = store.select(np.r_[IDS[chosen], unknown])
    for k in (1, 10, COUNT + 5):
        found = store.search(queries, k, among)
        assert np.isin(found.ids, IDS[chosen]).all()
        agree(store, found, best(queries, IDS[chosen], ROWS[chosen], k))


def test_vectors_come_back_by_id(made: Made) -> None:
    store = made.open()
    places = np.array([COUNT - 1, 0, 17, 17])
    assert np.allclose(store.vectors(IDS[places]), ROWS[places], atol=1e-3)
    assert store.vectors(np.empty(0, np.int64)).shape == (0, DIMENSION)
    sample = store.sample()
    assert sample is not None
    number, vector = sample
    assert np.allclose(vector[0], ROWS[IDS.tolist().index(number)], atol=1e-3)
    assert int(store.search(vector, 1).ids[0, 0]) == number


def test_one_without_vectors(made: Made, tmp_path: Path) -> None:
    built = made.backend.build(tmp_path, source(IDS[:0], ROWS[:0]), made.own_type)
    store = made.backend.open(tmp_path, built)
    assert (len(store), store.sample()) == (0, None)
    assert store.search(vectors(2, 4), 3).ids.shape == (2, 0)
    assert store.search(vectors(2, 4), 3, store.select(IDS[:3])).ids.shape == (2, 0)


def test_few_changes_make_the_store_of_all_that_is_there_now(made: Made, tmp_path: Path) -> None:
    """Taken over or built anew, which is the store's own affair: gone, changed and new ids."""
    fresh = vectors(15, 5)
    ids, rows = np.r_[IDS[5:], IDS[-1] ^ np.arange(1, 11)], np.r_[fresh[:5], ROWS[10:], fresh[5:]]
    checked: list[str] = []
    files = frozenset(path.name for path in made.folder.iterdir())
    before = Before(made.folder, made.built, files, lambda path: checked.append(path.name))
    built = made.backend.extend(tmp_path, before, source(ids, rows), ids, IDS[10:], made.own_type)
    assert built is None or checked, "taken over unchecked"
    built = built or made.backend.build(tmp_path, source(ids, rows), made.own_type)
    store, queries = made.backend.open(tmp_path, built), np.r_[fresh, vectors(10, 6)]
    assert len(store) == len(ids) == 705
    found = store.search(queries, 10)
    agree(store, found, best(queries, ids, rows, 10))
    assert found.ids[:15, 0].tolist() == [*ids[:5], *ids[-10:]]
    assert set(store.search(queries[:1], 999).ids[0].tolist()) == set(ids.tolist())
    assert np.allclose(store.vectors(ids[:5]), fresh[:5], atol=1e-3)
    among = store.select(np.r_[ids[:3], IDS[:5]])
    assert set(store.search(queries[:1], 9, among).ids[0].tolist()) == set(ids[:3].tolist())


def test_what_is_damaged_is_not_taken_over(made: Made, tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise BrokenGeneration(f"{path}: not the file that was published")

    before = Before(made.folder, made.built, frozenset(), refuse)
    assert made.backend.extend(tmp_path, before, source(IDS, ROWS), IDS, IDS[1:], made.own_type) is None
    assert len(made.backend.open(tmp_path, made.backend.build(tmp_path, source(IDS, ROWS), made.own_type)))


def test_a_folder_gets_its_name_once_it_is_whole(made: Made, tmp_path: Path) -> None:
    folder, queries = tmp_path / "1.tmp", vectors(3, 7)
    folder.mkdir()
    built = made.backend.build(folder, source(IDS, ROWS), made.own_type)
    opened = made.backend.open(folder, built)
    found = opened.search(queries, 5)
    folder.rename(tmp_path / "1")
    for store in (opened, made.backend.open(tmp_path / "1", built)):
        assert np.array_equal(store.search(queries, 5).ids, found.ids)


def damaged(path: Path) -> Iterator[None]:
    whole = path.read_bytes()
    for data in (None, b"", whole[: len(whole) // 2], b"\x00\xff" * 500):
        path.unlink() if data is None else path.write_bytes(data)
        yield
        path.write_bytes(whole)


def test_a_damaged_file_is_refused_in_one_line(made: Made, tmp_path: Path) -> None:
    built = made.backend.build(tmp_path, source(IDS, ROWS), made.own_type)
    for name in made.backend.files:
        for _ in damaged(tmp_path / name):
            with pytest.raises(BrokenGeneration) as refused:
                made.backend.open(tmp_path, built)
            assert str(tmp_path) in str(refused.value)
            assert "\n" not in str(refused.value)
    assert len(made.backend.open(tmp_path, built)) == COUNT


def test_names_lead_back_to_their_store() -> None:
    assert split("flat") == (DEFAULT, "flat")
    for name in STORES:
        backend = Stores()[name]
        for kind in backend.kinds:
            assert split(spelled(name, kind)) == (name, kind)
            assert Stores().of(spelled(name, kind), "here")[1] == kind
        for own in backend.types:
            assert asked(spelled(name, own)) == (name, own)
    assert asked(DEFAULT) == (DEFAULT, "auto")


@pytest.mark.parametrize("name", ["annoy", "annoy:flat", "faiss:annoy", ""])
def test_what_no_store_offers_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(IndexProblem) as refused:
        asked(name)
    known = ", ".join(index_types())
    assert str(refused.value) == f"unknown index type {name!r}; known: {known}; choose one with --index-type"
    with pytest.raises(BrokenGeneration) as broken:
        Stores().of(name, "manifest.json")
    assert str(broken.value).startswith(
        f"manifest.json: unknown store {name!r}; known: flat-fp16, hnsw-fp16, "
    )
    assert "\n" not in str(broken.value)
