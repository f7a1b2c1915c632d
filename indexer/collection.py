"""What will be published: all photos of a catalogue that have a vector of one model, with these vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.duplicates import signatures
from indexer.duplicates.signatures import Signatures
from indexer.shards import banks, damage
from indexer.shards.shard import Origin, ShardReader, vectors_folder
from indexer.stores import Batches, Source
from model.bank import Bank

_CHUNK = 8192


@dataclass(frozen=True)
class Collection:
    """Photos, vectors, and signatures are all in the order in which the vectors are stored on disk.

    `folder` is the indexer's working folder: it contains the shards, wherever the collection is published.
    """

    folder: Path
    origin: Origin
    catalogue: Catalogue

    @property
    def revision(self) -> int:
        """A counter of changes that could affect a search."""
        return self.catalogue.revision

    @property
    def empty(self) -> bool:
        return next(self.photos(), None) is None

    def photos(self) -> Iterator[Entry]:
        """All photos; those with the same content share a vector and are adjacent."""
        return self.catalogue.entries(self.origin.fingerprint)

    def vectors(self, count: int) -> Source:
        """All vectors, by photo id; `count` is the number of photos."""
        places = cache(self._places)
        return Source(count, self.origin.dimension, lambda: self._batches(places()))

    @cached_property
    def bank(self) -> Bank | None:
        """What photos are weighed against; None if the model has no bank."""
        return banks.kept(self.folder, self.origin)

    def signatures(self) -> Signatures:
        """The signatures of the contents, each once."""
        return signatures.stack(self.catalogue.looks(self.origin.fingerprint))

    def refuse_damage(self) -> None:
        """Raise BrokenGeneration if a vector is damaged: damaged vectors are never published."""
        damage.refuse_damage(self.folder, self.origin, self.catalogue)

    def _places(self) -> NDArray[np.int64]:
        """Id, shard, and row of all photos, 24 bytes each: a source reads its vectors three times."""
        rows = self.catalogue.places(self.origin.fingerprint)
        return np.fromiter(chain.from_iterable(rows), dtype=np.int64).reshape(-1, 3)

    def _batches(self, places: NDArray[np.int64]) -> Batches:
        """Read chunks of one shard each, so that memory use does not grow with the library."""
        reader = ShardReader(vectors_folder(self.folder, self.origin.fingerprint), self.origin.dimension)
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            for part in np.split(chunk, np.flatnonzero(np.diff(chunk[:, 1])) + 1):
                yield part[:, 0], reader.rows(int(part[0, 1]), part[:, 2]).astype(np.float32)
