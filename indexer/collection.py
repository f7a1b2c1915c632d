"""What is there to be published: every photo of a catalogue that has a vector of one model, and these vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.duplicates import signatures
from indexer.duplicates.signatures import Looks
from indexer.shards import damage
from indexer.shards.shard import Origin, ShardReader, vectors_folder
from indexer.stores import Batches, Source

_CHUNK = 8192


@dataclass(frozen=True)
class Collection:
    """Photos, vectors and signatures come in one order, that in which the vectors lie on disk.

    `folder` is where the indexer works: it holds the shards, wherever the collection is published.
    """

    folder: Path
    origin: Origin
    catalogue: Catalogue

    @property
    def revision(self) -> int:
        """Counts changes that a search could show."""
        return self.catalogue.revision

    @property
    def empty(self) -> bool:
        return next(self.photos(), None) is None

    def photos(self) -> Iterator[Entry]:
        """Photos of one content share a vector, and stand together."""
        return self.catalogue.entries(self.origin.fingerprint)

    def vectors(self, count: int) -> Source:
        """The vectors of so many photos, which are all, by their ids."""
        return Source(count, self.origin.dimension, self._batches)

    def signatures(self) -> Looks:
        """How the contents look, each once."""
        return signatures.stack(self.catalogue.looks(self.origin.fingerprint))

    def refuse_damage(self) -> None:
        """Raises BrokenGeneration where a vector is damaged: nothing is published of such."""
        damage.refuse_damage(self.folder, self.origin, self.catalogue)

    def _batches(self) -> Batches:
        """Chunks of one shard each, so that memory stays small however large the library is."""
        reader = ShardReader(vectors_folder(self.folder, self.origin.fingerprint), self.origin.dimension)
        rows = self.catalogue.places(self.origin.fingerprint)
        while (chunk := np.array(list(islice(rows, _CHUNK)), dtype=np.int64).reshape(-1, 3)).size:
            for part in np.split(chunk, np.flatnonzero(np.diff(chunk[:, 1])) + 1):
                yield part[:, 0], reader.rows(int(part[0, 1]), part[:, 2]).astype(np.float32)
