"""Codes beside the vectors, and comparing all vectors, in the same run: time, size, and what is found.

python -m bench.codes [--photos 100000] [--vectors PHOTOS.npy --drawings DRAWINGS.npy --words WORDS.npy]

Without files, photos are synthetic vectors with biases, in overlapping clusters, and drawings such vectors with as much
noise as signal. Fewer given photos are repeated, each time with a little noise: the hardest case, since all copies of a
photo score nearly the same. Strangers are as far from all photos as from each other: the hardest queries.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.serving import made_up_biases
from bench.stores import clustered
from bench.timing import Timing, measure
from indexer.stores import Batches, Source, Store
from indexer.stores.biased import BiasedStore, widened
from indexer.stores.faiss import CODES
from indexer.stores.registry import DEFAULT, Stores
from model.modality import Vectors, unit

_CHUNK = 10_000
_QUESTIONS = 200
# How much each kind of bias counts.
_WEIGHTS = {"drawings": [1, 0, 0], "words": [0, 1, 0], "strangers": [1, 0, 0]}


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.codes")
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--drawings", type=Path)
    parser.add_argument("--words", type=Path)
    asked = parser.parse_args(arguments)
    given = None if asked.vectors is None else unit(np.load(asked.vectors).astype(np.float32))
    source = _source(asked.photos, given)
    drawn = _drawn(source)
    queries = {
        "drawings": np.load(asked.drawings)[:_QUESTIONS].astype(np.float32) if asked.drawings else drawn
    }
    if asked.words:
        queries["words"] = np.load(asked.words)[:_QUESTIONS].astype(np.float32)
    queries["strangers"] = np.random.default_rng(1).standard_normal((50, drawn.shape[1]), dtype=np.float32)
    kind = "synthetic" if given is None else "real ones repeated"
    print(f"{asked.photos} photos, {kind}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        flat, codes = (_made(Path(scratch) / kind, source, kind) for kind in ("flat", "codes"))
        for name, vectors in queries.items():
            _compare(name, unit(vectors), flat, codes)


def _compare(name: str, queries: Vectors, flat: BiasedStore, codes: BiasedStore) -> None:
    weights = np.array(_WEIGHTS[name], dtype=np.float32)
    for k in (10, 308):
        truth, found = (store.search(queries, k, weights=weights) for store in (flat, codes))
        right = np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(found.ids, truth.ids, strict=True)])
        scan, coded = (_taken(store, queries, k, weights) for store in (flat, codes))
        print(
            f"{name}, {k:3} results: all vectors {scan}, codes {coded}, 1/{scan.median / coded.median:.1f} of it; "
            f"recall@{k} {right:.4f}"
        )


def _taken(store: BiasedStore, queries: Vectors, k: int, weights: Vectors) -> Timing:
    turn = iter(range(10**9))
    return measure(
        lambda: store.search(queries[(n := next(turn) % len(queries)) : n + 1], k, weights=weights),
        seconds=2,
    )


def _made(folder: Path, source: Source, index_type: str) -> BiasedStore:
    backend = Stores()[DEFAULT]
    folder.mkdir()
    before = os.times()
    built = backend.build(folder, source, index_type)
    after = os.times()
    sizes = {path.name: path.stat().st_size / 2**20 for path in folder.iterdir()}
    store: Store = backend.open(folder, built)
    print(
        f"{built.kind}: {after.elapsed - before.elapsed:.1f} s to build, {after.user - before.user:.1f} s CPU; "
        + ", ".join(f"{name} {size:.1f} MiB" for name, size in sorted(sizes.items()))
        + (f"; {built.effort} candidates, recall@10 {built.recall}" if CODES in sizes else "")
    )
    return BiasedStore(store, source.dimension - source.tail, biased=True)


def _source(count: int, given: Vectors | None) -> Source:
    dimension = 512 if given is None else given.shape[1]

    def batches() -> Batches:
        for start in range(0, count, _CHUNK):
            end = min(start + _CHUNK, count)
            yield np.arange(start, end, dtype=np.int64) * 7919 + 13, _rows(start, end, given)

    biases = made_up_biases(count)
    return widened(Source(count, dimension, batches), lambda ids, _: biases[(ids - 13) // 7919])


def _rows(start: int, end: int, given: Vectors | None) -> Vectors:
    if given is None:
        return unit(clustered(end - start, start, 0.03))
    base = given[np.arange(start, end) % len(given)]
    noise = np.random.default_rng(start).standard_normal(base.shape, dtype=np.float32)
    return base if end <= len(given) else unit(base + 0.3 * unit(noise))


def _drawn(source: Source) -> Vectors:
    rows = source.sample(_QUESTIONS)[:, : source.dimension - source.tail]
    return unit(rows + unit(np.random.default_rng(2).standard_normal(rows.shape, dtype=np.float32)))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
