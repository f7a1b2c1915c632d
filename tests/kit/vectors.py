"""Random vectors with their ids, and brute force to compare a store with."""

from collections.abc import Callable, Iterator

import numpy as np

from indexer.stores import Ids, Nearest, Source
from model.modality import Vectors, unit

DIMENSION = 16


def vectors(count: int, seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32))


def numbers(count: int, seed: int) -> Ids:
    return np.random.default_rng(seed).integers(0, 2**63 - 1, count)


def source(ids: Ids, rows: Vectors, batch: int = 1000) -> Source:
    def batches() -> Iterator[tuple[Ids, Vectors]]:
        for start in range(0, len(ids), batch):
            yield ids[start : start + batch], rows[start : start + batch]

    return Source(len(ids), DIMENSION, batches)


def by_id(ids: Ids, rows: Vectors) -> Callable[[Ids, Vectors], Vectors]:
    """Look up one row for each id, whatever its vector."""
    order = np.argsort(ids)
    return lambda some, _: rows[order[np.searchsorted(ids, some, sorter=order)]]


def best(queries: Vectors, ids: Ids, rows: Vectors, k: int) -> Nearest:
    scores = queries @ rows.astype(np.float16).astype(np.float32).T
    order = np.argsort(-scores, axis=1)[:, :k]
    return Nearest(ids[order], np.take_along_axis(scores, order, axis=1))


def recall(found: Nearest, exact: Nearest) -> float:
    assert found.ids.shape == exact.ids.shape
    return float(np.mean([len({*a} & {*b}) / len(b) for a, b in zip(found.ids, exact.ids, strict=True)]))
