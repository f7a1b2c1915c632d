"""Files on a card: exact by torch (here on the CPU), and by a stand-in for FAISS's interface for cards."""

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer import Published
from indexer.stores import File, Rows
from indexer.stores.embedded import FaissBackend
from indexer.stores.faiss import DEAD, FRESH, MAIN, IndexType
from indexer.stores.faiss.build import build
from indexer.stores.faiss.codes import open_file
from indexer.stores.faiss.file import FEW, FaissFile
from indexer.stores.faiss.layers import LayeredStore, write_dead
from indexer.stores.gpu import opener as gpu_stores
from indexer.stores.gpu.executor import Executor, NearestRows
from indexer.stores.gpu.opener import (
    DEVICES,
    SCRATCH,
    GpuFile,
    GpuIndex,
    OnGpu,
    bytes_needed,
    opener,
)
from indexer.stores.registry import Stores
from model import gpu
from model.errors import DeviceProblem
from tests.kit.faiss_gpu import PLENTY, Card, on_gpu
from tests.kit.jobs import Job
from tests.kit.vectors import best, numbers, recall, source, vectors

COUNT = 6000
LOST = "CUDA error: unspecified launch failure"
FILE_KIND: dict[GpuIndex, IndexType] = {"exact": "ivf", "flat": "flat", "ivf": "ivf", "cagra": "hnsw"}
no_card = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a card")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[IndexType, tuple[Path, int]]:
    """A store of each kind over the same vectors, with its effort."""
    made: dict[IndexType, tuple[Path, int]] = {}
    for kind in ("flat", "hnsw", "ivf"):
        folder = tmp_path_factory.mktemp(kind)
        made[kind] = (
            folder,
            build(folder / MAIN, source(numbers(COUNT, 1), vectors(COUNT, 1)), kind).effort,
        )
    return made


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[Card]:
    card = Card()
    card.install(monkeypatch)
    yield card
    gc.collect()


@pytest.fixture(params=["exact", "flat", "ivf", "cagra"])
def made(
    request: pytest.FixtureRequest, folders: dict[IndexType, tuple[Path, int]], card: Card
) -> tuple[File, Path, Card]:
    folder, effort = folders[FILE_KIND[request.param]]
    file = on_gpu(request.param)(folder / MAIN, effort)
    return file, folder, card


def test_the_card_finds_what_brute_force_finds(made: tuple[File, Path, Card]) -> None:
    file, _, card = made
    ids, rows, queries = numbers(COUNT, 1), vectors(COUNT, 1), vectors(40, 2)
    found = file.search(queries, 10)
    exact = best(queries, ids, rows, 10)
    least = {"torch, exact fp16": 1.0, "FAISS, flat": 0.99, "FAISS, cagra": 0.99}.get(
        file.device[18:-1], 0.96
    )
    assert recall(found, exact) >= least
    assert np.allclose(found.scores[:, 0], exact.scores[:, 0], atol=2e-3)
    assert file.device.startswith("cuda:0 of a test (")
    # All of it in one thread, and not in this one.
    assert len(card.threads) <= 1
    assert threading.get_ident() not in card.threads


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 4500, COUNT - 40])
def test_a_filter_finds_k_of_those_that_pass(made: tuple[File, Path, Card], count: int) -> None:
    file, _, _ = made
    ids, rows, queries = numbers(COUNT, 1), vectors(COUNT, 1), vectors(20, 3)
    chosen = np.random.default_rng(count).choice(COUNT, count, replace=False)
    among = Rows.of(file.find(ids[chosen]), len(file))
    for k in (10, 300):
        found = file.search(queries, k, among)
        assert found.ids.shape == (20, min(k, count))
        assert np.isin(found.ids, ids[chosen]).all()
        if count:
            assert recall(found, best(queries, ids[chosen], rows[chosen], k)) >= 0.93


def test_the_dead_are_never_found_and_the_fresh_are(made: tuple[File, Path, Card], tmp_path: Path) -> None:
    """Though the card's index holds them, and supports no filter."""
    _, folder, _ = made
    ids, rows, queries = numbers(COUNT, 1), vectors(COUNT, 1), vectors(30, 4)
    for name in (MAIN,):
        (tmp_path / name).symlink_to(folder / name)
    write_dead(tmp_path, ids[:300])
    fresh_ids, fresh = np.r_[ids[:50], numbers(150, 9)], vectors(200, 9)
    build(tmp_path / FRESH, source(fresh_ids, fresh), "flat")
    kind: GpuIndex = "flat" if FaissFile(folder / MAIN).kind == "flat-fp16" else "exact"
    store = LayeredStore.open(tmp_path, 0, on_gpu(kind))
    alive_ids, alive = np.r_[ids[300:], fresh_ids], np.r_[rows[300:], fresh]
    found = store.search(queries, 12)
    assert recall(found, best(queries, alive_ids, alive, 12)) >= 0.99
    assert (tmp_path / DEAD).exists()
    assert store.device.startswith("cuda")
    assert np.allclose(store.vectors(ids[:50]), fresh[:50], atol=1e-3)


def test_more_results_than_a_card_gives_come_from_the_host(
    folders: dict[IndexType, tuple[Path, int]], card: Card
) -> None:
    file = on_gpu("flat")(folders["flat"][0] / MAIN)
    found = file.search(vectors(2, 5), 3000)
    assert recall(found, best(vectors(2, 5), numbers(COUNT, 1), vectors(COUNT, 1), 3000)) > 0.99
    assert card.batches == []


class Slow:
    """Begins to answer when it may: `go_on`. Each query is found as the row that its first number names."""

    name, supports_filters, most = "slow", False, 99

    def __init__(self, fail: Callable[[list[int]], None] = lambda numbers: None) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.asked: list[int] = []
        self._fail = fail

    def search(self, queries: np.ndarray, k: int, among: Rows | None) -> NearestRows:
        self.entered.set()
        assert self.go_on.wait(20)
        self.asked.append(len(queries))
        self._fail(queries[:, 0].astype(int).tolist())
        rows = np.repeat(queries[:, :1].astype(np.int64), k, axis=1)
        return NearestRows(rows, rows.astype(np.float32))

    def close(self) -> None:
        """Nothing to give back."""

    def gathered(self, queries: Sequence[tuple[np.ndarray, int]]) -> "list[Future[NearestRows]]":
        """What becomes of queries that come while another one, of the number 99, is being answered."""
        executor = Executor()
        with ThreadPoolExecutor(20) as pool:
            first = pool.submit(executor.search, self, np.full((1, 2), 99, np.float32), 1)
            assert self.entered.wait(20)
            others = [pool.submit(executor.search, self, numbers, k) for numbers, k in queries]
            while len(executor._waiting) < len(others):
                threading.Event().wait(0.01)
            self.go_on.set()
        assert first.result().rows.tolist() == [[99]]
        return others


def test_queries_that_gather_become_one_batch() -> None:
    slow = Slow()
    others = slow.gathered([(np.full((2, 2), n, np.float32), n % 3 + 1) for n in range(10)])
    for number, future in enumerate(others):
        assert np.array_equal(future.result().rows, np.full((2, number % 3 + 1), number))
    assert slow.asked == [1, 20]


@pytest.mark.parametrize("kind", [MemoryError, ValueError])
def test_a_query_that_fails_takes_nobody_elses_answer(kind: type[Exception]) -> None:
    def fail(numbers: list[int]) -> None:
        if 3 in numbers:
            raise kind("not this one")

    others = Slow(fail).gathered([(np.full((1, 2), n, np.float32), 1) for n in range(8)])
    assert [n for n, future in enumerate(others) if future.exception()] == [3]
    assert all(future.result().rows.tolist() == [[n]] for n, future in enumerate(others) if n != 3)


def test_a_full_card_answers_in_halves_and_then_by_the_host(
    folders: dict[IndexType, tuple[Path, int]], card: Card, caplog: pytest.LogCaptureFixture
) -> None:
    file = on_gpu("flat")(folders["flat"][0] / MAIN)
    exact = best(vectors(8, 6), numbers(COUNT, 1), vectors(COUNT, 1), 5)
    card.room = 3
    # One call is one item; those of several callers can be parted.
    assert recall(file.search(vectors(8, 6), 5), exact) > 0.99
    assert "searching on the CPU this time: the GPU's memory is full" in caplog.text
    assert file.device.startswith("cuda")
    assert (
        recall(
            file.search(vectors(8, 6)[:3], 5),
            best(vectors(8, 6)[:3], numbers(COUNT, 1), vectors(COUNT, 1), 5),
        )
        > 0.99
    )


def test_a_card_lost_in_a_search_leaves_the_host(
    folders: dict[IndexType, tuple[Path, int]], card: Card, caplog: pytest.LogCaptureFixture
) -> None:
    file = on_gpu("flat")(folders["flat"][0] / MAIN)
    card.broken = LOST
    for _ in range(3):
        found = file.search(vectors(3, 6), 5)
        assert recall(found, best(vectors(3, 6), numbers(COUNT, 1), vectors(COUNT, 1), 5)) > 0.99
    assert len(card.batches) == 1
    assert file.device == "cpu"
    assert caplog.text.count("searching on the CPU from now on: the GPU failed") == 1


def test_released_memory_is_given_back_and_searches_go_on(made: tuple[File, Path, Card]) -> None:
    file, _, card = made
    held = list(card.indexes)
    before = file.search(vectors(5, 7), 4)
    file.release()
    file.release()
    gc.collect()
    assert card.indexes == []
    assert len(card.threads) <= 1
    after = file.search(vectors(5, 7), 4)
    assert recall(after, before) >= 0.9
    assert file.device == "cpu"
    assert len(held) <= 1


def test_an_index_larger_than_the_card_is_refused_with_advice(
    folders: dict[IndexType, tuple[Path, int]], caplog: pytest.LogCaptureFixture
) -> None:
    path = folders["flat"][0] / MAIN
    with pytest.raises(
        DeviceProblem, match=r"6000 vectors need 0\.5 GiB .* 0\.0 GiB are available: raise SKETCHSEEK_INDEX"
    ):
        on_gpu("exact", free=lambda: SCRATCH)(path)
    with pytest.raises(DeviceProblem, match="are available"):
        on_gpu("exact", memory=SCRATCH)(path)
    willing = on_gpu("exact", free=lambda: 0, refuse=False)(path)
    assert willing.device == "cpu"
    assert "searching the index on the CPU: " in caplog.text


@pytest.mark.parametrize("kind", ["exact", "flat"])
def test_where_two_generations_do_not_fit_the_older_makes_room(
    folders: dict[IndexType, tuple[Path, int]], card: Card, kind: GpuIndex
) -> None:
    path = folders["flat"][0] / MAIN
    opened = on_gpu(kind, memory=int(1.5 * bytes_needed(FaissFile(path), kind)))
    older = opened(path)
    newer = opened(path)
    assert (older.device, newer.device[:4]) == ("cpu", "cuda")
    assert recall(older.search(vectors(5, 8), 4), newer.search(vectors(5, 8), 4)) > 0.9
    gc.collect()
    assert len(card.indexes) == (kind == "flat")


def test_a_graph_takes_more_room_than_its_vectors(folders: dict[IndexType, tuple[Path, int]]) -> None:
    file = FaissFile(folders["flat"][0] / MAIN)
    assert bytes_needed(file, "cagra") > bytes_needed(file, "flat") > COUNT * 2 * file.dimension


def test_an_empty_file_stays_on_the_host(tmp_path: Path) -> None:
    build(tmp_path / MAIN, source(numbers(0, 1), vectors(0, 1)), "flat")
    assert on_gpu("exact")(tmp_path / MAIN).device == "cpu"


@pytest.mark.parametrize(
    ("kind", "file_kind", "message"),
    [("ivf", "flat", "sketchseek index --index-type ivf"), ("flat", "hnsw", "SKETCHSEEK_GPU_INDEX=exact")],
)
def test_a_file_of_another_kind_says_what_to_do(
    folders: dict[IndexType, tuple[Path, int]], card: Card, kind: GpuIndex, file_kind: IndexType, message: str
) -> None:
    with pytest.raises(DeviceProblem, match=message):
        on_gpu(kind)(folders[file_kind][0] / MAIN)


def test_a_graph_needs_cuvs(
    folders: dict[IndexType, tuple[Path, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    Card().install(monkeypatch, cuvs=False)
    with pytest.raises(DeviceProblem, match="pip install faiss-gpu-cuvs"):
        on_gpu("cagra")(folders["hnsw"][0] / MAIN)


def test_wheels_that_hide_one_another_are_told_apart(
    folders: dict[IndexType, tuple[Path, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = {"faiss-cpu", "faiss-gpu-cuvs"}

    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return "1.15.1"

    monkeypatch.setattr("indexer.stores.gpu.faiss.version", version)
    with pytest.raises(DeviceProblem, match="pip uninstall faiss-cpu faiss-gpu-cuvs, then"):
        on_gpu("flat")(folders["flat"][0] / MAIN)
    installed.remove("faiss-gpu-cuvs")
    with pytest.raises(DeviceProblem, match="needs FAISS for GPUs: pip uninstall faiss-cpu"):
        on_gpu("flat")(folders["flat"][0] / MAIN)


@no_card
def test_without_a_card_the_host_searches_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert [opener(device) for device in DEVICES if device != "cuda"] == [open_file, open_file]
    assert caplog.text == ""
    assert opener("cuda") is open_file
    monkeypatch.setattr(gpu, "seems_there", lambda: True)
    assert opener("auto") is open_file
    assert caplog.text.count("searching the index on the CPU: ") == 2


def test_a_card_that_answers_is_used(
    monkeypatch: pytest.MonkeyPatch, folders: dict[IndexType, tuple[Path, int]], card: Card
) -> None:
    monkeypatch.setattr(gpu, "find", lambda device="cuda": gpu.Gpu(0, "NVIDIA H200", PLENTY, PLENTY))
    opened = opener("cuda", "flat")
    assert isinstance(opened, OnGpu)
    assert opened.refuse
    file = opened(folders["flat"][0] / MAIN)
    assert isinstance(file, GpuFile)
    assert file.device == "cuda:0 NVIDIA H200 (FAISS, flat)"
    monkeypatch.setattr(gpu_stores, "_loader", lambda kind, number: None)
    assert isinstance(opener("cuda", "exact"), OnGpu)


def test_a_published_index_is_proved_and_searched_on_the_card(job: Job, library: Path) -> None:
    job(library)
    plain = Published.open(job.index, job.encoder.fingerprint)
    on_card = Stores(backends={"faiss": FaissBackend(opener=on_gpu("exact"))})
    opened = Published.open(job.index, job.encoder.fingerprint, stores=on_card)
    query = job.encoder.texts(["a fish"])
    assert [hit.photo.id for hit in opened.search(query, 5)] == [
        hit.photo.id for hit in plain.search(query, 5)
    ]
    assert (plain.device, opened.device) == ("cpu", "cuda:0 of a test (torch, exact fp16)")
    opened.release()
    assert opened.device == "cpu"
    assert len(opened.search(query, 5)) == 5
