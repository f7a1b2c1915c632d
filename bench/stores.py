"""A million synthetic vectors: build, peak memory, opening, recall and time of a search, compared with the exact scan.

The vectors lie in 20,000 overlapping clusters, as photos of things do; the queries lie between the clusters,
about as far from their nearest photos as drawings are. About five minutes and 4 GB of memory.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.timing import measure
from indexer.duplicates import groups, signatures
from indexer.duplicates.contents import Contents
from indexer.duplicates.pairs import places
from indexer.duplicates.room import Room
from indexer.stores import Ids, Source, Store
from indexer.stores.backend import Built
from indexer.stores.registry import Stores, asked
from model.modality import Vectors, unit

COUNT, DIMENSION, SMALL = 1_000_000, 512, 100_000
_CHUNK = 20_000
_COPIES = 100
T = TypeVar("T")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        rows = _write(Path(scratch) / "rows.f16", COUNT)
        questions = unit(clustered(400, 10**6, 0.06))
        _small(Path(scratch), _source(rows, SMALL), questions)
        _large(Path(scratch), _source(rows, COUNT), questions)


def _made(folder: Path, source: Source, index_type: str) -> tuple[Built, Store]:
    """Build it in its own folder, with the index type's store; prints how long that took."""
    name, own = asked(index_type)
    backend = Stores()[name]
    folder.mkdir()
    seconds, built = _timed(lambda: backend.build(folder, source, own))
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**30
    opening, store = _timed(lambda: backend.open(folder, built))
    print(
        f"{source.count} {name} {built.kind}: built and measured in {seconds:.0f} s, {size:.2f} GiB, "
        f"opened in {opening:.2f} s, peak {_peak():.1f} GiB"
    )
    return built, store


def _small(folder: Path, source: Source, questions: Vectors) -> None:
    _, exact = _made(folder / "small", source, "flat")
    print(f"{SMALL} exact, one search  {measure(lambda: exact.search(questions[:1], 20))}")


def _large(folder: Path, source: Source, questions: Vectors) -> None:
    built, store = _made(folder / "auto", source, "auto")
    print(f"effort {built.effort}, recall@10 at build {built.recall:.4f}   limit: .99")
    _, flat = _made(folder / "flat", source, "flat")
    truth, found = flat.search(questions, 10), store.search(questions, 10)
    right = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found.ids, truth.ids, strict=True)])
    print(f"recall@10 on {len(questions)} other questions {right:.4f}")
    turn = iter(range(10**9))
    near = measure(lambda: store.search(questions[(n := next(turn) % 400) : n + 1], 10))
    scan = measure(lambda: flat.search(questions[:1], 10))
    print(f"one search             {near}   limit: 2 ms")
    print(f"exact scan             {scan}   {scan.median / near.median:.0f} x")
    ids = np.concatenate([ids for ids, _ in source.batches()])
    for share in (0.5, 0.05, 0.001):
        among = store.select(ids[:: int(1 / share)])
        taken = measure(lambda among=among: store.search(questions[:1], 10, among), seconds=1)  # type: ignore[misc]
        print(f"one search among {share:6.1%} {taken}")
    near_duplicates(source, folder)


def near_duplicates(source: Source, scratch: Path) -> None:
    """By vectors, of which one in a hundred is a near copy of its neighbour, and by signatures, likewise."""
    ids = np.concatenate([ids for ids, _ in source.batches()])
    blind = signatures.stack([None] * source.count)
    with Room(scratch) as room:
        contents = Contents(ids, np.arange(source.count), source, blind, room)
        seconds, pairs = _timed(lambda: groups.all_pairs(contents))
    later, earlier = places(pairs.keys)
    found = len(np.unique(later[(later - earlier == 1) & (later % _COPIES == _COPIES - 1)]))
    others = len(np.unique(later)) - found
    print(
        f"near-duplicates by vector: {found} of {source.count // _COPIES} copies, {others} others, "
        f"in {seconds:.0f} s; peak {_peak():.1f} GiB"
    )
    dice = np.random.default_rng(1)
    seen = dice.integers(0, 256, (source.count, signatures.BYTES), dtype=np.uint8)
    seen[_COPIES - 1 :: _COPIES] = seen[_COPIES - 2 :: _COPIES] ^ 1
    seconds, (later, earlier) = _timed(lambda: signatures.pairs(seen))
    found = int((later - earlier == 1).sum())
    print(
        f"near-duplicates by look:   {found} of {source.count // _COPIES} copies, {len(later) - found} others, "
        f"in {seconds:.0f} s; peak {_peak():.1f} GiB"
    )


def _write(path: Path, count: int) -> np.ndarray:
    rows = np.memmap(path, dtype=np.float16, mode="w+", shape=(count, DIMENSION))
    for start in range(0, count, _CHUNK):
        chunk = unit(clustered(min(_CHUNK, count - start), start, 0.03))
        shaken = np.random.default_rng(start).standard_normal((len(chunk) // _COPIES, DIMENSION), np.float32)
        chunk[_COPIES - 1 :: _COPIES] = unit(chunk[_COPIES - 2 :: _COPIES] + 0.15 * unit(shaken))
        rows[start : start + _CHUNK] = chunk
    return rows


def clustered(count: int, seed: int, spread: float) -> Vectors:
    """Clusters of clusters, each stretched along its own directions, with noise in all directions."""
    fixed, chance = np.random.default_rng(0), np.random.default_rng(seed + 1)
    coarse = fixed.standard_normal((500, DIMENSION), dtype=np.float32)
    fine = fixed.standard_normal((40, DIMENSION), dtype=np.float32)
    along = fixed.standard_normal((48, DIMENSION), dtype=np.float32)
    first, second = chance.integers(0, 500, count), chance.integers(0, 40, count)
    inside = chance.standard_normal((count, 48), dtype=np.float32) @ along / 48**0.5
    noise = chance.standard_normal((count, DIMENSION), dtype=np.float32)
    return coarse[first] + 0.7 * fine[second] + 0.8 * inside + spread * DIMENSION**0.5 * noise


def _source(rows: np.ndarray, count: int) -> Source:
    return Source(
        count,
        DIMENSION,
        lambda: _batches(rows, count),
        rows=lambda positions: rows[positions].astype(np.float32),
    )


def _batches(rows: np.ndarray, count: int) -> Iterator[tuple[Ids, Vectors]]:
    for start in range(0, count, 8192):
        end = min(start + 8192, count)
        # Like real ids, these differ from the row numbers.
        yield np.arange(start, end, dtype=np.int64) * 7919 + 13, rows[start:end].astype(np.float32)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _peak() -> float:
    """GiB; Linux counts in KiB, macOS in bytes. Pages of mapped files count as long as they are in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
