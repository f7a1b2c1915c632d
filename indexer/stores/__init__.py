"""Where vectors are searched. A store is built once and never changes: ids in, nearest ids out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

Ids = NDArray[np.int64]
IndexType = Literal["auto", "flat", "hnsw", "ivf"]
INDEX_TYPES: tuple[IndexType, ...] = get_args(IndexType)
Batches = Iterable[tuple[Ids, Vectors]]


class Nearest(NamedTuple):
    """For each query a row of ids, best first, and their scores; -1 pads a row that has fewer."""

    ids: Ids
    scores: Vectors


@dataclass(frozen=True)
class Source:
    """Vectors to build from. They are read in batches, as often as needed, and never all held in memory."""

    count: int
    dimension: int
    batches: Callable[[], Batches]


@dataclass(frozen=True)
class Rows:
    """Some rows of one file, ready to search among them: their numbers in order, and one bit for each row."""

    numbers: Ids
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, numbers: Ids, total: int) -> "Rows":
        chosen = np.zeros(total, dtype=bool)
        chosen[numbers] = True
        return cls(np.flatnonzero(chosen), np.packbits(chosen, bitorder="little"))

    def __len__(self) -> int:
        return len(self.numbers)

    def hold(self, rows: Ids) -> NDArray[np.bool_]:
        """Which of these row numbers are among them; -1 is not."""
        safe = np.maximum(rows, 0)
        bit: NDArray[np.bool_] = (self.bits[safe >> 3] >> (safe & 7).astype(np.uint8)) & 1 == 1
        return bit & (rows >= 0)


# What a search may find: for each file of the store the rows that count; None where all of them do.
Selection = tuple[Rows | None, ...]


class Store(Protocol):
    """An open index; safe to search from several threads."""

    kind: str

    def __len__(self) -> int: ...

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Nearest:
        """The k nearest by inner product, which is the cosine, for all vectors are units.

        Every row has min(k, how many there are among the selection) results.
        """
        ...

    def select(self, ids: Ids) -> Selection:
        """Makes a set of ids ready to search among; those that are not there are ignored."""
        ...

    def vectors(self, ids: Ids) -> Vectors:
        """The stored vectors of ids that are there."""
        ...

    def sample(self) -> tuple[int, Vectors] | None:
        """Any one stored id and its vector, to ask the index whether it finds it; None when it is empty."""
        ...
