"""The scan: how long one search for ten takes among more and more photos, beside comparing all their vectors.

The photos are made up (see bench/serving.py). Everything else is what a run publishes and a service opens, the second
stage aside. What a service holds in memory is measured with the largest library, and with the smallest.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.serving import bank_source, near_bank, publish_random, serving
from bench.speed.figures import Bar, Curve, Figure, Growth, Results
from bench.timing import Timing, measure
from indexer import shelf
from indexer.stores.biased import BiasedStore
from indexer.stores.registry import DEFAULT, Stores
from model import Encoder
from model.bank import weights_of
from model.modality import Modality, Vectors

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# The size that is compared with FAISS in the table, and the largest for which all vectors are compared.
_TABLE, _COMPARED = 100_000, 1_000_000
_QUESTIONS, _K = 200, 10
_KINDS = {Modality.SKETCH: 1.0}


def scans(results: Results, encoder: Encoder, largest: int) -> None:
    ours, theirs = Curve("sketchseek"), Curve("FAISS, all vectors (fp16)", ours=False)
    at_rest: dict[int, tuple[float, float]] = {}
    sizes = [size for size in SIZES if size <= largest]
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            _one_size(results, encoder, Path(scratch), size, ours, theirs)
            if size in (sizes[0], sizes[-1]):
                with serving(Path(scratch)) as server:
                    server.get("/readyz")
                    at_rest[size] = server.own_memory, server.memory
    results.growth.append(Growth("One search for ten photos", "photos", "ms", (ours, theirs), steep=True))
    if len(at_rest) > 1:
        (less, _), (most, mapped) = at_rest[sizes[0]], at_rest[sizes[-1]]
        results.add(
            Figure(
                f"memory that {sizes[-1]:,} photos add to a service at rest",
                "MiB",
                (Bar("sketchseek", most - less),),
                goal="250 MiB",
                note=f"{most:.0f} instead of {less:.0f} MiB; with pages of mapped files, which the system may "
                f"take back, {mapped:.0f}",
            )
        )


def _one_size(
    results: Results, encoder: Encoder, scratch: Path, size: int, ours: Curve, theirs: Curve
) -> None:
    begun = time.perf_counter()
    publish_random(scratch, encoder, size)
    built = time.perf_counter() - begun
    queries = near_bank(encoder, _QUESTIONS, seed=1)
    library = shelf(scratch).open(encoder.fingerprint)
    try:
        found = np.stack([library.nearest(query, _K, kinds=_KINDS).ids for query in queries])
        taken = _taken(lambda query: library.nearest(query, _K, kinds=_KINDS), queries)
    finally:
        library.close()
    ours.points.append((size, taken.median))
    print(
        f"{size:,} photos as {library.manifest.store}: published in {built:.0f} s, one search {taken}",
        flush=True,
    )
    if size > _COMPARED:
        return
    flat, weights = _flat(scratch, encoder, size), weights_of(_KINDS)
    every = _taken(lambda query: flat.search(query[None], _K, weights=weights), queries)
    theirs.points.append((size, every.median))
    truth = flat.search(queries, _K, weights=weights).ids
    right = np.mean([len(np.intersect1d(a, b)) / _K for a, b in zip(found, truth, strict=True)])
    print(
        f"  comparing all vectors {every}; recall@{_K} {right:.4f}; load {os.getloadavg()[0]:.1f}", flush=True
    )
    if size in (_TABLE, _COMPARED):
        goal = "1/6 of it, recall .999" if size == _TABLE else "4 ms, recall .995"
        bars = (Bar("sketchseek", taken.median), Bar("FAISS, all vectors", every.median, ours=False))
        results.add(Figure(f"scan, {size:,} photos", "ms", bars, goal=goal, note=f"recall@{_K} {right:.4f}"))


def _taken(search: Callable[[Vectors], object], queries: Vectors) -> Timing:
    turn = itertools.cycle(queries)
    return measure(lambda: search(next(turn)), seconds=2)


def _flat(scratch: Path, encoder: Encoder, size: int) -> BiasedStore:
    folder = scratch / "flat"
    folder.mkdir()
    backend, source = Stores()[DEFAULT], bank_source(encoder, size)
    store = backend.open(folder, backend.build(folder, source, "flat"))
    return BiasedStore(store, source.dimension - source.tail, biased=True)
