"""What will be published: all photos of a catalogue that have a vector of one model, with these vectors."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import Catalogue
from indexer.duplicates import signatures
from indexer.duplicates.room import Room
from indexer.duplicates.signatures import Signatures
from indexer.shards import banks, damage
from indexer.shards.shard import Origin, Rows
from indexer.stores import Batches, Ids, Source, isin
from indexer.stores.halves import to_float32
from model.bank import Bank
from model.modality import Vectors

_CHUNK = 8192
# So many rows are looked up one by one; for more, all are read.
_FEW = 20_000
_PLACE = np.dtype([("id", np.int64), ("shard", np.int32), ("row", np.int32)])


@dataclass(frozen=True)
class Places:
    """Id, shard, and row of photos: 16 bytes each."""

    ids: Ids
    shards: NDArray[np.int32]
    rows: NDArray[np.int32]

    @classmethod
    def read(cls, found: Iterable[tuple[int, int, int]]) -> "Places":
        rows, parts = iter(found), [np.empty(0, dtype=_PLACE)]
        while len(part := np.fromiter(islice(rows, _CHUNK), dtype=_PLACE)):
            parts.append(part)
        return cls(*(np.concatenate([part[name] for part in parts]) for name in ("id", "shard", "row")))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: slice | Ids | NDArray[np.bool_]) -> "Places":
        return Places(self.ids[chosen], self.shards[chosen], self.rows[chosen])

    @property
    def keys(self) -> Ids:
        """A number for each shard and row, in the same order as these."""
        return row_keys(self.shards, self.rows)

    def pairs(self) -> list[tuple[int, int]]:
        """Shard and row of each."""
        return list(zip(self.shards.tolist(), self.rows.tolist(), strict=True))


def row_keys(shards: NDArray[np.integer], rows: NDArray[np.integer]) -> Ids:
    keys: Ids = (shards.astype(np.int64) << 32) | rows
    return keys


@dataclass(frozen=True)
class Inventory:
    """All photos of a collection at one moment: their ids, vectors, and signatures, in the order of the vectors."""

    collection: "Collection"
    places: Places

    @property
    def ids(self) -> Ids:
        return self.places.ids

    @cached_property
    def vectors(self) -> Source:
        """The vectors, by photo id."""
        return self.collection.vectors(self.places)

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """Which photos are the first of their content; those with the same content follow them."""
        first = np.ones(len(self.places), dtype=bool)
        shards, rows = self.places.shards, self.places.rows
        first[1:] = (shards[1:] != shards[:-1]) | (rows[1:] != rows[:-1])
        return first

    def signatures(self, room: Room) -> Signatures:
        """The signature of each content, in the order of their first photos; where there is none, a uniform colour."""
        keys = self.places[self.first].keys
        found: Signatures = room.zeros((len(keys), signatures.BYTES), np.uint8)
        for shards, rows, looks in self.collection.signatures() if len(keys) else ():
            wanted = row_keys(shards, rows)
            at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            # Some contents have no photo any more.
            there = keys[at] == wanted
            found[at[there]] = looks[there]
        return found


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
        return not self.catalogue.has_entries(self.origin.fingerprint)

    def write_photos(self, target: Path) -> None:
        """Insert all photos into the table `photos` of an SQLite file."""
        self.catalogue.copy_entries(target, self.origin.fingerprint)

    def places(self) -> Places:
        """Id, shard, and row of all photos; those with the same content share a vector and are adjacent."""
        return Places.read(self.catalogue.places(self.origin.fingerprint))

    def inventory(self) -> Inventory:
        return Inventory(self, self.places())

    def vectors(self, places: Places) -> Source:
        """The vectors of these places, by photo id. Each is checked before it is first read, or refused if damaged."""
        checked = cache(self._refuse_damage)

        def everything() -> Batches:
            checked()
            yield from self._batches(places)

        def some(ids: Ids) -> Batches:
            chosen = places[isin(places.ids, ids)]
            self._refuse_damage(chosen.pairs())
            yield from self._batches(chosen)

        def rows(positions: Ids) -> Vectors:
            checked()
            return self._rows(places[positions])

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
        return Places.read(
            self.catalogue.part_places(origin.fingerprint, origin.parts) if origin.parts else ()
        )

    def part_rows(self, wanted: Places) -> Iterator[tuple[NDArray[np.int64], Rows]]:
        """Shard and row, and the parts there: at least those wanted, and only what is intact.

        Damaged ones are forgotten, so that the next run makes them again.
        """
        series = self.origin.parts_in(self.folder)
        if series is None or not len(wanted):
            return
        few = len(wanted) < _FEW
        among = dict.fromkeys(wanted.pairs()) if few else None
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

    def signatures(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Signatures]]:
        """Yield shards and rows of contents, and their signatures: each once, but for those that have none."""
        found = self.catalogue.looks(self.origin.fingerprint)
        while part := list(islice(found, _CHUNK)):
            shards, rows, looks = zip(*part, strict=True)
            yield np.array(shards), np.array(rows), signatures.stack(looks)

    def _refuse_damage(self, among: Sequence[tuple[int, int]] | None = None) -> None:
        damage.refuse_damage(self.folder, self.origin, self.catalogue, among)

    def _batches(self, places: Places) -> Batches:
        """Read chunks of one shard each, so that memory use does not grow with the library."""
        reader = self.origin.vectors_in(self.folder).reader()
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            ends = [*(np.flatnonzero(np.diff(chunk.shards)) + 1).tolist(), len(chunk)]
            for first, end in zip([0, *ends[:-1]], ends, strict=True):
                numbers = chunk.rows[first:end]
                yield chunk.ids[first:end], to_float32(reader.rows(int(chunk.shards[first]), numbers))

    def _rows(self, wanted: Places) -> Vectors:
        """The vectors in these shards and rows, in any order."""
        reader = self.origin.vectors_in(self.folder).reader()
        found = np.empty((len(wanted), self.origin.dimension), dtype=np.float32)
        for shard in np.unique(wanted.shards).tolist():
            here = wanted.shards == shard
            found[here] = to_float32(reader.rows(shard, wanted.rows[here]))
        return found
