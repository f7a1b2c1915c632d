"""The biases of a generation: found once for each photo, and kept by later generations with the same bank."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from indexer.generations.manifest import Manifest
from indexer.stores import Ids, OnStep, isin
from indexer.stores.biased import BiasedStore
from indexer.stores.registry import Stores
from model.bank import KINDS, Bank
from model.modality import Vectors

Lookup = Callable[[Ids], Vectors]


def open_store(stores: Stores, folder: Path, manifest: Manifest) -> BiasedStore:
    """The store of a published generation."""
    store = stores.open(folder, manifest.store, manifest.effort)
    return BiasedStore(store, manifest.dimension, biased=bool(manifest.bank))


class Biases:
    """The biases of photos with these ids, each found when it is first asked for.

    `before` opens what knows those of the `unchanged` ones; None if nothing does.
    """

    def __init__(
        self,
        bank: Bank,
        ids: Ids,
        unchanged: Ids,
        before: Callable[[Bank], Lookup | None] | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        self._bank, self._open, self._on_step = bank, before, on_step
        self._ids = np.sort(ids)
        self._found = np.full((len(ids), len(KINDS)), np.nan, dtype=np.float32)
        self._unchanged = isin(self._ids, unchanged)
        self._done = 0

    @cached_property
    def _before(self) -> Lookup | None:
        return self._open and self._open(self._bank)

    def __call__(self, ids: Ids, vectors: Vectors) -> Vectors:
        places = np.searchsorted(self._ids, ids)
        missing = np.isnan(self._found[places, 0])
        known = missing & self._unchanged[places]
        if known.any() and self._before is not None:
            self._found[places[known]] = self._before(ids[known])
        else:
            known[:] = False
        if (fresh := missing & ~known).any():
            self._found[places[fresh]] = self._bank.biases(vectors[fresh])
        if self._on_step is not None and missing.any():
            self._done += int(missing.sum())
            self._on_step("weighing", self._done, len(self._ids))
        return self._found[places]
