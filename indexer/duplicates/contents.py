"""What duplicates are found among: each content once, by its place, with its id, vector, and signature."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from indexer.duplicates.room import Room
from indexer.duplicates.signatures import Signatures
from indexer.stores import Ids, Source
from model.modality import Vectors


@dataclass(frozen=True)
class Contents:
    """`source` has the vectors of all photos; those at `positions`, in order, are the first of each content."""

    ids: Ids
    positions: Ids
    source: Source
    signatures: Signatures
    room: Room

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self) -> Iterator[tuple[Ids, Vectors]]:
        """Yield places and vectors, in order."""
        start = first = 0
        for ids, vectors in self.source.batches():
            end = start + int(np.searchsorted(self.positions[start:], first + len(ids)))
            if end > start:
                yield np.arange(start, end), vectors[self.positions[start:end] - first]
            start, first = end, first + len(ids)

    def at(self, places: Ids) -> Vectors:
        """The vectors at places."""
        return self.source.at(self.positions[places])
