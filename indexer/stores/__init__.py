"""Where vectors are searched. A store is built once and never changes: ids in, nearest ids out.

Here is what an open store is asked; how one is built and opened says `backend`, which ones there are `registry`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

Ids = NDArray[np.int64]
Batches = Iterable[tuple[Ids, Vectors]]
# Hears what is being done, and of how many vectors it is done.
OnStep = Callable[[str, int, int], None]


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

    def sample(self, most: int) -> Vectors:
        """Vectors spread evenly over all, at most so many."""
        step = max(1, -(-self.count // max(1, most)))
        parts, seen = [np.empty((0, self.dimension), dtype=np.float32)], 0
        for ids, vectors in self.batches():
            parts.append(np.asarray(vectors[(-seen) % step :: step], dtype=np.float32))
            seen += len(ids)
        return np.concatenate(parts)


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


def sifted(rows: Ids, scores: Vectors, among: Rows) -> tuple[Ids, Vectors]:
    """Moves what must not be found behind what may, as if it were not there."""
    wrong = ~among.hold(rows)
    if not wrong.any():
        return rows, scores
    order = np.argsort(wrong, axis=1, kind="stable")
    rows, scores = np.where(wrong, -1, rows), np.where(wrong, -np.inf, scores).astype(np.float32)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


# What a search may find: for each file of the store the rows that count; None where all of them do.
Selection = tuple[Rows | None, ...]


class File(Protocol):
    """One file of a store, on the host or with a copy on a card; its rows are numbered as they were added."""

    kind: str
    dimension: int
    ids: Ids

    @property
    def device(self) -> str:
        """Where it is searched: `cpu`, or what begins with `cuda`."""
        ...

    def __len__(self) -> int: ...

    def locate(self, ids: Ids) -> Ids:
        """The row of each id, -1 for those that are not here."""
        ...

    def find(self, ids: Ids) -> Ids:
        """The rows of those ids that are here."""
        ...

    def rows(self, numbers: Ids) -> Vectors:
        """The vectors of rows."""
        ...

    def search(self, queries: Vectors, k: int, among: Rows | None = None) -> Nearest:
        """The nearest ids, all of them where there are fewer than k."""
        ...

    def release(self) -> None:
        """Gives back what it holds of a card; it can be searched as before, on the host."""
        ...


class Store(Protocol):
    """An open index; safe to search from several threads."""

    @property
    def exact(self) -> bool:
        """Whether each search looks at every vector."""
        ...

    @property
    def device(self) -> str:
        """Where it is searched: `cpu`, or what begins with `cuda`."""
        ...

    def __len__(self) -> int: ...

    def release(self) -> None:
        """Gives back what it holds of a card; it can be searched as before, on the host."""
        ...

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

    def let_go(self) -> "Store | None":
        """The same store in memory, if somebody waits to write into a file that this one has mapped; else None."""
        ...
