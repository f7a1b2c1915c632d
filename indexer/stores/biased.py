"""Biases in a store: a few more numbers behind each vector, so that any store subtracts them while it searches.

A query ends in how much each bias counts, a photo in the biases themselves; their inner product is then the score minus
the bias, exactly, at no cost in time. See `model.bank`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from indexer.stores import Batches, Ids, Nearest, Selection, Source, Store
from model.bank import KINDS, Bank, weights_of
from model.modality import Vectors

# Filled up with zeros: FAISS is several times slower if the length is not a multiple of eight.
EXTRA = 8
# Biases are stored that much smaller, and counted that much more: to graphs and lists, which compare photos with each
# other, they are next to nothing.
_SCALE = 16.0

# No share of a mean cosine is larger.
MOST = 1.0

# Of each kind of query.
_QUESTIONS = 100


def widened(
    source: Source, biases: Callable[[Ids, Vectors], Vectors], questions: Vectors | None = None
) -> Source:
    """The same vectors, followed by their biases, which are asked for with each batch."""

    def wide(batches: Batches) -> Batches:
        for ids, vectors in batches:
            yield ids, _appended(vectors, biases(ids, vectors) / _SCALE)

    return replace(
        source,
        dimension=source.dimension + EXTRA,
        batches=lambda: wide(source.batches()),
        tail=EXTRA,
        questions=questions,
        some=lambda ids: wide(source.only(ids).batches()),
        rows=None,
    )


def questions(bank: Bank) -> Vectors:
    """Some of the drawings and words of a bank, as a biased store is searched with them."""
    parts = []
    for kind, near in bank.kinds.items():
        some = near.vectors[:: -(-len(near.vectors) // _QUESTIONS)]
        parts.append(
            _appended(some, np.broadcast_to(_counted(weights_of({kind: 1.0})), (len(some), len(KINDS))))
        )
    return np.concatenate(parts)


def asking(queries: Vectors, weights: Vectors | None = None) -> Vectors:
    """Queries as a biased store is searched with; `weights` say how much of each bias is subtracted."""
    counted = np.zeros(len(KINDS), dtype=np.float32) if weights is None else _counted(weights)
    return _appended(queries, np.broadcast_to(counted, (len(queries), len(KINDS))))


def biases_in(rows: Vectors, dimension: int) -> Vectors:
    """The biases behind vectors of this length."""
    biases: Vectors = rows[:, dimension : dimension + len(KINDS)] * np.float32(_SCALE)
    return biases


class BiasedStore:
    """A store of vectors with or without biases, searched with vectors of `dimension`."""

    def __init__(self, store: Store, dimension: int, *, biased: bool) -> None:
        self.store = store
        self.biased = biased
        self._dimension = dimension

    def __len__(self) -> int:
        return len(self.store)

    @property
    def exact(self) -> bool:
        return self.store.exact

    @property
    def device(self) -> str:
        return self.store.device

    def release(self) -> None:
        self.store.release()

    def search(
        self, queries: Vectors, k: int, among: Selection | None = None, weights: Vectors | None = None
    ) -> Nearest:
        """The nearest; with `weights`, one for each of KINDS, so much of these biases is subtracted from the scores."""
        return self.store.search(asking(queries, weights) if self.biased else queries, k, among)

    def select(self, ids: Ids) -> Selection:
        return self.store.select(ids)

    def vectors(self, ids: Ids) -> Vectors:
        return np.ascontiguousarray(self.store.vectors(ids)[:, : self._dimension])

    def both(self, ids: Ids) -> tuple[Vectors, Vectors]:
        """The vectors of existing ids, and their biases: zeros in a store without any."""
        rows = self.store.vectors(ids)
        if not self.biased:
            return rows, np.zeros((len(rows), len(KINDS)), dtype=np.float32)
        return rows[:, : self._dimension], biases_in(rows, self._dimension)

    def sample(self) -> tuple[int, Vectors] | None:
        found = self.store.sample()
        return None if found is None else (found[0], found[1][:, : self._dimension])

    def let_go(self) -> "BiasedStore | None":
        whole = self.store.let_go()
        return None if whole is None else BiasedStore(whole, self._dimension, biased=self.biased)


def _counted(weights: Vectors) -> Vectors:
    """What a query with these weights ends in."""
    counted: Vectors = -_SCALE * weights
    return counted


def _appended(vectors: Vectors, columns: Vectors) -> Vectors:
    wide = np.zeros((len(vectors), vectors.shape[1] + EXTRA), dtype=np.float32)
    wide[:, : vectors.shape[1]] = vectors
    wide[:, vectors.shape[1] : vectors.shape[1] + columns.shape[1]] = columns
    return wide
