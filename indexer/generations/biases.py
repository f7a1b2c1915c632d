"""The biases of a generation: found once for each photo, and kept by later generations with the same bank."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.generations.manifest import Manifest
from indexer.stores import Ids, OnStep, Source
from indexer.stores.biased import BiasedStore
from indexer.stores.registry import Stores
from model.bank import KINDS, Bank
from model.modality import Vectors


def open_store(stores: Stores, folder: Path, manifest: Manifest) -> BiasedStore:
    """The store of a published generation."""
    store = stores.open(folder, manifest.store, manifest.effort)
    return BiasedStore(store, manifest.dimension, biased=bool(manifest.bank))


def weigh(
    source: Source,
    bank: Bank,
    unchanged: Ids,
    before: Callable[[Ids], Vectors] | None,
    on_step: OnStep | None = None,
) -> Vectors:
    """The biases of all photos, in the order of the source; `before` gives those of unchanged ones, if it is known."""
    found = np.empty((source.count, len(KINDS)), dtype=np.float32)
    unchanged = np.sort(unchanged)
    done = 0
    for ids, vectors in source.batches():
        rows = found[done : done + len(ids)]
        fresh = np.ones(len(ids), dtype=bool)
        if before is not None:
            fresh = ~_held(ids, unchanged)
            rows[~fresh] = before(ids[~fresh])
        rows[fresh] = bank.biases(vectors[fresh])
        done += len(ids)
        if on_step is not None:
            on_step("weighing", done, source.count)
    return found


def _held(ids: Ids, known: Ids) -> NDArray[np.bool_]:
    """Which ids are among the known ones, which are sorted; numpy's own way would sort them for each batch again."""
    if not len(known):
        return np.zeros(len(ids), dtype=bool)
    same: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, ids), len(known) - 1)] == ids
    return same
