"""What will be published: all photos of a catalogue that have a vector of one model, with these vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import Catalogue
from indexer.duplicates import signatures
from indexer.duplicates.signatures import Signatures
from indexer.shards import banks, damage
from indexer.shards.shard import Origin, Rows
from indexer.stores import Batches, Ids, Source
from indexer.stores.halves import to_float32
from model.bank import Bank
from model.modality import Vectors

# A row of id, shard, and row for each photo.
Places = NDArray[np.int64]
_CHUNK = 8192
# So many rows are looked up one by one; for more, all are read.
_FEW = 20_000


@dataclass(frozen=True)
class Inventory:
    """All photos of a collection at one moment: their ids, vectors, and signatures, in the order of the vectors."""

    collection: "Collection"
    places: Places

    @cached_property
    def ids(self) -> Ids:
        return np.ascontiguousarray(self.places[:, 0])

    @cached_property
    def vectors(self) -> Source:
        """The vectors, by photo id."""
        return self.collection.vectors(self.places)

    @property
    def originals(self) -> Ids:
        """For each photo the position of the first one with the same content, with which it shares a vector."""
        first = np.ones(len(self.places), dtype=bool)
        first[1:] = (self.places[1:, 1:] != self.places[:-1, 1:]).any(axis=1)
        return np.maximum.accumulate(np.where(first, np.arange(len(self.places)), 0))

    def signatures(self) -> Signatures:
        """The signatures of the contents, each once."""
        return self.collection.signatures()


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
        return next(self.catalogue.places(self.origin.fingerprint), None) is None

    def write_photos(self, target: Path) -> None:
        """Insert all photos into the table `photos` of an SQLite file."""
        self.catalogue.copy_entries(target, self.origin.fingerprint)

    def places(self) -> Places:
        """Id, shard, and row of all photos; those with the same content share a vector and are adjacent."""
        rows = self.catalogue.places(self.origin.fingerprint)
        return np.fromiter(chain.from_iterable(rows), dtype=np.int64).reshape(-1, 3)

    def inventory(self) -> Inventory:
        return Inventory(self, self.places())

    def vectors(self, places: Places) -> Source:
        """The vectors of these places, by photo id. Each is checked before it is first read, or refused if damaged."""
        checked = cache(self._refuse_damage)

        def everything() -> Batches:
            checked()
            yield from self._batches(places)

        def some(ids: Ids) -> Batches:
            chosen = places[np.isin(places[:, 0], ids)]
            self._refuse_damage(chosen[:, 1:].tolist())
            yield from self._batches(chosen)

        def rows(positions: Ids) -> Vectors:
            checked()
            return self._rows(places[positions, 1:])

        return Source(len(places), self.origin.dimension, everything, some=some, rows=rows)

    @cached_property
    def bank(self) -> Bank | None:
        """What photos are weighed against; None if the model has no bank."""
        return banks.kept(self.folder, self.origin)

    @property
    def with_parts(self) -> int:
        """How many photos have parts of the model's local head."""
        origin = self.origin
        return self.catalogue.count_parts(origin.fingerprint, origin.parts) if origin.parts else 0

    def part_places(self) -> Places:
        """Id, shard, and row of the parts of all photos that have any."""
        origin = self.origin
        rows = self.catalogue.part_places(origin.fingerprint, origin.parts) if origin.parts else ()
        return np.fromiter(chain.from_iterable(rows), dtype=np.int64).reshape(-1, 3)

    def part_rows(self, wanted: Places) -> Iterator[tuple[NDArray[np.int64], Rows]]:
        """Shard and row, and the parts there: at least those wanted, and only what is intact.

        Damaged ones are forgotten, so that the next run makes them again.
        """
        series = self.origin.parts_in(self.folder)
        if series is None or not len(wanted):
            return
        few = len(wanted) < _FEW
        among = dict.fromkeys(map(tuple, wanted[:, 1:].tolist())) if few else None
        stored = (
            self.catalogue.stored(series.key) if among is None else self.catalogue.held(series.key, among)
        )
        reader, lost = series.reader(), []
        for places in damage.in_chunks(stored):
            intact = reader.intact(places)
            lost += [place.content for place, good in zip(places, intact, strict=True) if not good]
            numbers = np.array([place.row for place in places], dtype=np.int64)[intact]
            if len(numbers):
                shard = places[0].shard
                yield np.column_stack([np.full_like(numbers, shard), numbers]), reader.rows(shard, numbers)
        if lost:
            with self.catalogue.transaction():
                self.catalogue.forget_vectors(series.key, lost)

    def signatures(self) -> Signatures:
        """The signatures of the contents, each once."""
        return signatures.stack(self.catalogue.looks(self.origin.fingerprint))

    def _refuse_damage(self, among: Sequence[tuple[int, int]] | None = None) -> None:
        damage.refuse_damage(self.folder, self.origin, self.catalogue, among)

    def _batches(self, places: Places) -> Batches:
        """Read chunks of one shard each, so that memory use does not grow with the library."""
        reader = self.origin.vectors_in(self.folder).reader()
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            for part in np.split(chunk, np.flatnonzero(np.diff(chunk[:, 1])) + 1):
                yield part[:, 0], to_float32(reader.rows(int(part[0, 1]), part[:, 2]))

    def _rows(self, wanted: Places) -> Vectors:
        """The vectors in these shards and rows, in any order."""
        reader = self.origin.vectors_in(self.folder).reader()
        found = np.empty((len(wanted), self.origin.dimension), dtype=np.float32)
        order = np.argsort(wanted[:, 0], kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(wanted[order, 0])) + 1) if len(order) else ():
            found[part] = to_float32(reader.rows(int(wanted[part[0], 0]), wanted[part, 1]))
        return found
