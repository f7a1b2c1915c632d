"""Codes beside the vectors: what they find is what an exact scan finds, and damage to them is noticed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest

from indexer import BrokenGeneration
from indexer.stores import Ids, Nearest, Rows, Source
from indexer.stores import faiss as stores
from indexer.stores.backend import Before, Built
from indexer.stores.biased import BiasedStore, widened
from indexer.stores.embedded import FaissBackend
from indexer.stores.faiss import CODES, MAIN
from indexer.stores.faiss.codes import MOST, CodedFile
from indexer.stores.faiss.file import FaissFile
from indexer.stores.faiss.layers import LayeredStore
from model.bank import KINDS
from model.modality import Vectors, unit
from tests.kit.vectors import by_id, numbers, recall

COUNT, DIMENSION = 24_000, 128
CHANCE = np.random.default_rng(0)
CENTRES = CHANCE.standard_normal((80, DIMENSION), dtype=np.float32)


def shaken(rows: Vectors, amount: float, seed: int) -> Vectors:
    noise = np.random.default_rng(seed).standard_normal(rows.shape, dtype=np.float32)
    return unit(rows + amount * unit(noise))


ROWS = shaken(unit(CENTRES)[np.arange(COUNT) % 80], 0.8, 1)
IDS = numbers(COUNT, 1)
DRAWINGS = shaken(ROWS[:: COUNT // 60], 0.8, 2)
# As far from all vectors as from each other.
STRANGERS = unit(CHANCE.standard_normal((20, DIMENSION), dtype=np.float32))


def source(ids: Ids, rows: Vectors) -> Source:
    def batches() -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, len(ids), 5000):
            yield ids[start : start + 5000], rows[start : start + 5000]

    return Source(len(ids), rows.shape[1], batches)


def nearest(queries: Vectors, ids: Ids, rows: Vectors, k: int) -> Nearest:
    scores = queries @ rows.T
    order = np.argsort(-scores, axis=1)[:, :k]
    return Nearest(ids[order], np.take_along_axis(scores, order, axis=1))


@pytest.fixture(scope="module", params=["codes", "ivf-codes"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "ivf-codes":
            patch.setattr(stores, "SCAN_UP_TO", 10_000)
        built = FaissBackend().build(folder, source(IDS, ROWS), "codes")
    return folder, built


@pytest.fixture
def file(made: tuple[Path, Built]) -> CodedFile:
    return CodedFile(made[0] / MAIN, made[1].effort)


@pytest.fixture
def exact_scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many queries were compared with all vectors, each time."""
    seen: list[int] = []
    ask = FaissFile._ask

    def noted(self: FaissFile, queries: Vectors, *rest: object, **options: bool) -> tuple[Ids, Vectors]:
        seen.append(len(queries))
        return ask(self, queries, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(FaissFile, "_ask", noted)
    return seen


@pytest.mark.parametrize("k", [1, 10, 200])
def test_the_best_are_those_of_an_exact_scan(file: CodedFile, exact_scans: list[int], k: int) -> None:
    found, exact = file.search(DRAWINGS, k), nearest(DRAWINGS, IDS, ROWS, k)
    assert recall(*(Nearest(one.ids[:, :10], one.scores[:, :10]) for one in (found, exact))) > 0.98
    assert recall(found, exact) > 0.95
    assert np.allclose(found.scores[:, :1], exact.scores[:, :1], atol=1e-3)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert sum(exact_scans) <= len(DRAWINGS) // 10


def test_the_build_says_what_is_found(made: tuple[Path, Built], file: CodedFile) -> None:
    folder, built = made
    assert built.kind == file.kind == file.coded.kind
    assert built.recall > 0.98
    assert (folder / CODES).stat().st_size < (folder / MAIN).stat().st_size / 5


@pytest.mark.parametrize("kind", ["codes", "ivf-codes"])
@pytest.mark.parametrize(("share", "pictures"), [(0.05, 1), (0.5, 1), (0.5, 20), (0.9, 5), (1.0, 1)])
def test_many_copies_of_a_photo_are_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, share: float, pictures: int
) -> None:
    # With the highest share there are still more copies than candidates are ever looked at.
    rows = ROWS[:4000].copy()
    assert len(rows) > MOST
    copies = int(share * len(rows))
    rows[:copies] = ROWS[np.arange(copies) % pictures]
    if kind == "ivf-codes":
        monkeypatch.setattr(stores, "SCAN_UP_TO", 3000)
    built = FaissBackend().build(tmp_path, source(IDS[:4000], rows), "codes")
    assert built.kind == kind
    file = CodedFile(tmp_path / MAIN, built.effort)
    queries = np.concatenate([DRAWINGS, ROWS[:pictures], STRANGERS])
    for k in (1, 10, 200):
        found, exact = file.search(queries, k), nearest(queries, IDS[:4000], rows, k)
        assert (found.ids >= 0).all()
        assert all(len(set(row)) == k for row in found.ids.tolist()), "each photo once"
        # Copies are as good as each other, so scores tell what was found. Lists promise less.
        best = np.abs(found.scores[:, :10] - exact.scores[:, :10]) < 2e-3
        assert best.mean() > (0.97 if kind == "codes" else 0.8)


@pytest.mark.parametrize("made", ["codes"], indirect=True)
def test_a_search_that_is_not_sure_compares_all_vectors(file: CodedFile, exact_scans: list[int]) -> None:
    found, exact = file.search(STRANGERS, 10), nearest(STRANGERS, IDS, ROWS, 10)
    assert recall(found, exact) > 0.99
    assert sum(exact_scans) > 0


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2, 0.02, 0.0005])
def test_a_filter_finds_the_best_that_pass(file: CodedFile, share: float) -> None:
    chosen = np.flatnonzero(np.random.default_rng(3).random(COUNT) < share)
    among = Rows.of(file.find(IDS[chosen]), COUNT)
    for k in (5, 30):
        found = file.search(DRAWINGS, k, among)
        assert found.ids.shape == (len(DRAWINGS), min(k, len(chosen)))
        assert np.isin(found.ids, IDS[chosen]).all()
        assert recall(found, nearest(DRAWINGS, IDS[chosen], ROWS[chosen], k)) > 0.93


@pytest.mark.parametrize("made", ["codes"], indirect=True)
def test_a_filter_that_only_lets_far_ones_pass_still_finds_enough(file: CodedFile) -> None:
    """Those that pass are not among the first candidates."""
    query = DRAWINGS[:1]
    far = np.argsort(query[0] @ ROWS.T)[: COUNT // 2]
    found = file.search(query, 20, Rows.of(file.find(IDS[far]), COUNT))
    assert recall(found, nearest(query, IDS[far], ROWS[far], 20)) > 0.9


def test_biases_are_subtracted(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    biases = (0.15 + 0.03 * chance.standard_normal((COUNT, len(KINDS)))).astype(np.float32)
    built = FaissBackend().build(tmp_path, widened(source(IDS, ROWS), by_id(IDS, biases)), "codes")
    store = BiasedStore(FaissBackend().open(tmp_path, built), DIMENSION, biased=True)
    for weights in np.array([[1, 0, 0], [0, 0.5, 0.5], [0, 0, 0]], dtype=np.float32):
        scores = DRAWINGS @ ROWS.T - biases @ weights
        order = np.argsort(-scores, axis=1)[:, :10]
        found = store.search(DRAWINGS, 10, weights=weights)
        assert recall(found, Nearest(IDS[order], np.take_along_axis(scores, order, axis=1))) > 0.98
        assert np.allclose(found.scores[:, 0], scores.max(axis=1), atol=5e-3)


def test_few_changes_take_over_the_codes(
    made: tuple[Path, Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, built = made
    if built.kind == "ivf-codes":
        monkeypatch.setattr(stores, "SCAN_UP_TO", 10_000)
    fresh = shaken(ROWS[:200], 0.3, 9)
    ids, rows = np.r_[IDS[300:], numbers(200, 9)], np.r_[ROWS[300:], fresh]
    checked: list[str] = []
    before = Before(folder, built, frozenset({MAIN, CODES}), lambda path: checked.append(path.name))
    assert FaissBackend().extend(tmp_path, before, source(ids, rows), ids, IDS[300:], "codes") == built
    assert checked == [MAIN, CODES]
    store = FaissBackend().open(tmp_path, built)
    assert len(store) == len(ids)
    queries = np.r_[DRAWINGS, shaken(fresh[::10], 0.4, 10)]
    found = store.search(queries, 10)
    assert not np.isin(found.ids, IDS[:300]).any()
    assert recall(found, nearest(queries, ids, rows, 10)) > 0.98


def test_threads_do_not_disturb_each_other(file: CodedFile) -> None:
    alone = [file.search(query[None], 20).ids.tolist() for query in DRAWINGS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: file.search(query[None], 20).ids.tolist(), DRAWINGS))
    assert together == alone
    assert file.search(DRAWINGS, 20).ids.tolist() == [ids[0] for ids in alone]


def test_vectors_may_stay_in_the_file(made: tuple[Path, Built], file: CodedFile) -> None:
    mapped = CodedFile(made[0] / MAIN, made[1].effort, in_memory=0)
    assert mapped.search(DRAWINGS, 10).ids.tolist() == file.search(DRAWINGS, 10).ids.tolist()


def test_codes_that_are_missing_or_of_other_vectors_are_refused(
    made: tuple[Path, Built], tmp_path: Path
) -> None:
    folder, built = made
    (tmp_path / MAIN).write_bytes((folder / MAIN).read_bytes())
    with pytest.raises(BrokenGeneration, match=r"codes.faiss: missing; run sketchseek index again"):
        FaissBackend().open(tmp_path, built)
    codes = (folder / CODES).read_bytes()
    for damaged in (b"", b"no codes", codes[: len(codes) // 2]):
        (tmp_path / CODES).write_bytes(damaged)
        with pytest.raises(BrokenGeneration, match=r"codes.faiss: not readable by FAISS"):
            LayeredStore.open(tmp_path)
    faiss.write_index(faiss.IndexFlatIP(4), str(tmp_path / CODES))
    with pytest.raises(BrokenGeneration, match=r"codes.faiss: not an index of codes"):
        LayeredStore.open(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    FaissBackend().build(other, source(IDS[:600], ROWS[:600]), "codes")
    (tmp_path / CODES).write_bytes((other / CODES).read_bytes())
    with pytest.raises(BrokenGeneration, match=r"index.faiss: its codes are of other vectors"):
        LayeredStore.open(tmp_path)


@pytest.mark.parametrize("made", ["codes"], indirect=True)
def test_without_vector_instructions_it_finds_the_same(
    made: tuple[Path, Built], file: CodedFile, tmp_path: Path
) -> None:
    np.save(tmp_path / "drawings.npy", DRAWINGS[:5])
    code = (
        "import faiss, json, sys, numpy as np; from pathlib import Path;"
        "from indexer.stores.faiss.codes import CodedFile;"
        "assert faiss.SIMDConfig.get_level_name() == 'NONE';"
        "file = CodedFile(Path(sys.argv[1]), int(sys.argv[2]));"
        "print(json.dumps(file.search(np.load(sys.argv[3]), 10).ids.tolist()))"
    )
    command = [
        sys.executable,
        "-c",
        code,
        str(made[0] / MAIN),
        str(made[1].effort),
        str(tmp_path / "drawings.npy"),
    ]
    there = {**os.environ, "FAISS_SIMD_LEVEL": "NONE"}
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=there)
    assert json.loads(found.stdout) == file.search(DRAWINGS[:5], 10).ids.tolist()
