"""Pairs of places, as numbers of eight bytes each, however many there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.stores import Ids

# Of those that resemble a photo, the earliest so many are enough.
KEPT = 8
# So many new ones are collected before the superfluous are dropped.
_MANY = 2**20

Keys = NDArray[np.uint64]


def keys(ones: Ids, others: Ids) -> Keys:
    """A number for each pair, which sorts by the first place and then by the second."""
    return (ones.astype(np.uint64) << np.uint64(32)) | others.astype(np.uint64)


def places(pairs: Keys) -> tuple[Ids, Ids]:
    """The first and second places."""
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


@dataclass(frozen=True)
class Pairs:
    """For some places those of similar photos, at most KEPT each; sorted."""

    keys: Keys

    @classmethod
    def of(cls, found: Keys) -> Self:
        """Of these pairs each once, and for each first place only the KEPT earliest of the others."""
        found = np.unique(found)
        ones = found >> np.uint64(32)
        starts = np.flatnonzero(np.concatenate([np.ones(len(found[:1]), dtype=bool), ones[1:] != ones[:-1]]))
        rank = np.arange(len(found)) - np.repeat(starts, np.diff(starts, append=len(found)))
        return cls(found[rank < KEPT])

    def __len__(self) -> int:
        return len(self.keys)

    def blocks(self, size: int) -> Iterator[tuple[Ids, Ids]]:
        """All of them, about so many at a time; never those of one place in two."""
        start = 0
        while start < len(self.keys):
            last = self.keys[min(start + size, len(self.keys)) - 1] >> np.uint64(32)
            end = int(np.searchsorted(self.keys, (last + np.uint64(1)) << np.uint64(32)))
            yield places(self.keys[start:end])
            start = end


class Gathered:
    """Collects pairs, of which no more than KEPT for each first place remain."""

    def __init__(self) -> None:
        self._kept = Pairs(np.empty(0, dtype=np.uint64))
        self._new: list[Keys] = []
        self._count = 0

    def add(self, found: Keys) -> None:
        self._new.append(found)
        self._count += len(found)
        if self._count > max(_MANY, len(self._kept)):
            self.pairs()

    def pairs(self) -> Pairs:
        """All that remain so far."""
        self._kept = Pairs.of(np.concatenate([self._kept.keys, *self._new]))
        self._new, self._count = [], 0
        return self._kept
