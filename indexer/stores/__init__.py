"""Vector stores: built once, never changed; ids go in, nearest ids come out.

This module defines the interface of an open store; `backend` that for building and opening, and `registry` lists all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

Ids = NDArray[np.int64]
Batches = Iterable[tuple[Ids, Vectors]]
# Called with the current step, the vectors done, and the total.
OnStep = Callable[[str, int, int], None]
_AT_ONCE = 65_536


def isin(ids: Ids, among: Ids) -> NDArray[np.bool_]:
    """Which of these ids are among others, in little memory."""
    found, among = np.zeros(len(ids), dtype=bool), np.sort(among)
    for start in range(0, len(ids) if len(among) else 0, _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        at = np.minimum(np.searchsorted(among, part), len(among) - 1)
        found[start : start + len(part)] = among[at] == part
    return found


class Nearest(NamedTuple):
    """For each query a row of ids, best first, with their scores; -1 pads short rows."""

    ids: Ids
    scores: Vectors


@dataclass(frozen=True)
class Source:
    """Vectors to build from, read in batches as often as needed; never all in memory.

    The last `tail` columns are biases. `questions`, if given, are sample queries to tune the search with. `some` reads
    the vectors of these ids only, `rows` those at these positions; without them, all are read for it.
    """

    count: int
    dimension: int
    batches: Callable[[], Batches]
    tail: int = 0
    questions: Vectors | None = None
    some: Callable[[Ids], Batches] | None = None
    rows: Callable[[Ids], Vectors] | None = None

    def only(self, ids: Ids) -> "Source":
        """The vectors of these ids, all of which exist, in the same order."""
        some = self.some or self._filtered
        return replace(self, count=len(ids), batches=lambda: some(ids), some=None, rows=None)

    def at(self, positions: Ids) -> Vectors:
        """The vectors at positions in the order of `batches`, in the order asked for."""
        if self.rows is not None:
            return self.rows(positions)
        found, first = np.empty((len(positions), self.dimension), dtype=np.float32), 0
        for part, vectors in self.batches():
            here = (positions >= first) & (positions < first + len(part))
            found[here] = vectors[positions[here] - first]
            first += len(part)
        return found

    def _filtered(self, ids: Ids) -> Batches:
        for part, vectors in self.batches():
            chosen = isin(part, ids)
            yield part[chosen], vectors[chosen]

    def sample(self, most: int) -> Vectors:
        """At most `most` vectors, evenly spaced."""
        step = max(1, -(-self.count // max(1, most)))
        parts, seen = [np.empty((0, self.dimension), dtype=np.float32)], 0
        for ids, vectors in self.batches():
            # A view would keep the whole batch in memory.
            parts.append(np.array(vectors[(-seen) % step :: step], dtype=np.float32))
            seen += len(ids)
        return np.concatenate(parts)


@dataclass(frozen=True)
class Rows:
    """A selection of rows in one file, ready for searching: sorted row numbers, and one bit per row."""

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
        """Which of these row numbers are selected; -1 is not."""
        safe = np.maximum(rows, 0)
        bit: NDArray[np.bool_] = (self.bits[safe >> 3] >> (safe & 7).astype(np.uint8)) & 1 == 1
        return bit & (rows >= 0)


def filtered(rows: Ids, scores: Vectors, among: Rows) -> tuple[Ids, Vectors]:
    """Replace results outside the selection by -1, and move them to the end."""
    wrong = ~among.hold(rows)
    if not wrong.any():
        return rows, scores
    order = np.argsort(wrong, axis=1, kind="stable")
    rows, scores = np.where(wrong, -1, rows), np.where(wrong, -np.inf, scores).astype(np.float32)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


# What a search may find: the selected rows of each file of the store, or None for all.
Selection = tuple[Rows | None, ...]


class File(Protocol):
    """One file of a store, on the host or with a copy on a GPU; rows are numbered in the order they were added."""

    kind: str
    dimension: int
    ids: Ids

    @property
    def device(self) -> str:
        """What searches it: `cpu`, or a name starting with `cuda`."""
        ...

    def __len__(self) -> int: ...

    def locate(self, ids: Ids) -> Ids:
        """The row of each id, -1 for unknown ones."""
        ...

    def find(self, ids: Ids) -> Ids:
        """The rows of the ids that exist here."""
        ...

    def rows(self, numbers: Ids) -> Vectors:
        """The vectors of rows."""
        ...

    def search(self, queries: Vectors, k: int, among: Rows | None = None) -> Nearest:
        """The k nearest ids, or all if there are fewer."""
        ...

    def release(self) -> None:
        """Free its GPU memory; searches continue on the host."""
        ...


class Store(Protocol):
    """An open index. Searching is thread-safe."""

    @property
    def exact(self) -> bool:
        """Whether every search goes over all vectors, or codes of them: it takes longer the more there are."""
        ...

    @property
    def device(self) -> str:
        """What searches it: `cpu`, or a name starting with `cuda`."""
        ...

    def __len__(self) -> int: ...

    def release(self) -> None:
        """Free its GPU memory; searches continue on the host."""
        ...

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Nearest:
        """The k nearest by inner product, which equals the cosine because all vectors have unit length.

        Every row has min(k, size of the selection) results.
        """
        ...

    def select(self, ids: Ids) -> Selection:
        """Prepare a set of ids for filtering; unknown ids are ignored."""
        ...

    def vectors(self, ids: Ids) -> Vectors:
        """The stored vectors of existing ids."""
        ...

    def sample(self) -> tuple[int, Vectors] | None:
        """Any stored id and its vector, to test whether a search finds it; None if the store is empty."""
        ...

    def let_go(self) -> "Store | None":
        """The same store in memory, if another process waits to write to a mapped file of this one; else None."""
        ...
