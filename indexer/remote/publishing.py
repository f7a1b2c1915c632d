"""Publish a collection to a server: list the photos here, write them there batch by batch, prove the result.

Memory use does not grow with the library, but for a few numbers a photo.
"""

import base64
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.collection import Collection
from indexer.duplicates.folding import fold
from indexer.generations.biases import Biases
from indexer.generations.counts import counted
from indexer.generations.months import Order, read_months
from indexer.generations.photos import PHOTOS_FILE, Photos, PhotosWriter
from indexer.parts.reader import LocalParts
from indexer.parts.writer import Stored, write_parts
from indexer.remote.browsing import Texts
from indexer.remote.database import MANIFEST, Batch, Database
from indexer.remote.live.order import Order as Ranks
from indexer.remote.live.places import fresh
from indexer.remote.manifest import FORMAT, Description, Measured
from indexer.remote.proof import Truth, prove
from indexer.remote.rows import BIASES, PART, STAMP, Row, columns_of, stamp_of
from indexer.reports.times import now
from indexer.stores import Ids, OnStep, Source
from indexer.stores.biased import EXTRA, biases_in, questions, widened
from model.modality import Vectors

BATCH = 4096
_SCRATCH = "publishing"


@dataclass(frozen=True)
class Prepared:
    """What is to be written: the photos, their order, and their vectors, with biases behind them."""

    photos: Photos
    order: Order
    source: Source
    stored: Stored
    parts: LocalParts | None
    dimension: int


@contextmanager
def prepared(collection: Collection, on_step: OnStep) -> Iterator[Prepared]:
    """List everything in a folder that is removed afterwards."""
    folder = collection.folder / _SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        writer = PhotosWriter(folder / PHOTOS_FILE)
        try:
            inventory = collection.inventory()
            writer.fill(collection.write_photos)
            fold(writer, inventory, on_step=on_step)
            writer.finish()
        finally:
            writer.close()
        source, bank = inventory.vectors, collection.bank
        if bank is not None:
            biases = Biases(bank, inventory.ids, np.empty(0, np.int64))
            source = widened(source, biases, questions(bank) if bank.kinds else None)
        stored = write_parts(folder, collection, None)
        parts = LocalParts(folder, stored.part_bytes, stored.part_photos) if stored.parts else None
        photos = Photos(folder / PHOTOS_FILE)
        try:
            order = read_months(photos.ask)
            yield Prepared(photos, order, source, stored, parts, collection.origin.dimension)
        finally:
            photos.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def describe(
    collection: Collection, ready: Prepared, generation: str, index_type: str, *, live: bool
) -> Description:
    origin = collection.origin
    return Description(
        format=FORMAT,
        generation=generation,
        publication=uuid.uuid4().hex,
        created=now(),
        model=origin.model,
        fingerprint=origin.fingerprint,
        dimension=origin.dimension,
        photos=ready.source.count,
        revision=collection.revision,
        index_type=index_type,
        bank="" if collection.bank is None else collection.bank.digest,
        tail=EXTRA if ready.source.tail else 0,
        live=live,
        **vars(ready.stored),
    )


def write(
    database: Database, description: Description, ready: Prepared, where: str, on_step: OnStep
) -> Measured:
    """Write a table and its texts, and prove them; afterwards the generation is finished."""
    generation, photos = description.generation, description.photos
    rows = Rows(ready, description, fresh(photos) if description.live else None)
    writer = database.create(generation, description.layout, description.seal())
    truth, done = Truth(ready.source, photos, int(generation), rows.places.at), 0
    for ids, vectors in batches(ready.source):
        truth.learn(ids, rows.places.of(ids), vectors)
        writer.add(rows.batch(ids, vectors))
        done += len(ids)
        on_step("uploading", done, photos)
    built = writer.finish(on_step)
    table = database.table(generation, description.layout, built)
    proven = prove(table, built, truth, photos, where)
    folded = ready.photos.count_folded()
    found = Measured(built.kind, built.exact, folded=folded, server=database.version(), **vars(proven))
    database.write_texts(generation, texts(ready, description, found, rows.places).items())
    return found


def texts(ready: Prepared, description: Description, found: Measured, places: "Places") -> dict[str, str]:
    """All that is said of a generation besides its rows."""
    order = ready.order
    months = tuple(zip(order.months, map(int, order.starts[:-1]), strict=True))
    ranks = Ranks.of(months, description.photos, places.sparse)
    told = Texts(counted(ready.photos.ask), tuple(ready.photos.roots()), ranks)
    return told.written() | {MANIFEST: description.seal(), "measured": found.written()}


class Places:
    """The place of each photo, newest first: its rank or, in a live table, a number that grows with it."""

    def __init__(self, order: Order, sparse: Ids | None = None) -> None:
        self.sparse = sparse
        self._ranks = np.argsort(order.ids)
        self._sorted = order.ids[self._ranks]

    def ranks_of(self, ids: Ids) -> Ids:
        found: Ids = self._ranks[np.searchsorted(self._sorted, ids)]
        return found

    def of(self, ids: Ids) -> Ids:
        ranks = self.ranks_of(ids)
        return ranks if self.sparse is None else self.sparse[ranks]

    def at(self, rank: int) -> int:
        """The place of a rank, or of one behind the last."""
        if self.sparse is None or not len(self.sparse):
            return rank
        return int(self.sparse[rank]) if rank < len(self.sparse) else int(self.sparse[-1]) + 1


class Rows:
    """The rows of a publication, made when they are asked for."""

    def __init__(self, ready: Prepared, description: Description, sparse: Ids | None) -> None:
        self.places = Places(ready.order, sparse)
        self._ready, self._made_by, self._live = ready, description.made_by, description.live

    def batch(self, ids: Ids, vectors: Vectors) -> Batch:
        ready, rows = self._ready, self._rows(ids)
        columns: dict[str, Any] = columns_of(rows)
        biases = np.zeros((len(ids), len(BIASES)), dtype=np.float32)
        if ready.source.tail:
            biases = biases_in(vectors, ready.dimension)
        columns |= {name: biases[:, column].tolist() for column, name in enumerate(BIASES)}
        if ready.parts is not None:
            there = ready.parts.of(ids)
            columns[PART] = [
                base64.b64encode(row.tobytes()).decode() if present else ""
                for row, present in zip(there.rows, there.present.tolist(), strict=True)
            ]
        if self._live:
            columns[STAMP] = self._stamped(ids, rows)
        return Batch(columns, vectors)

    def stamps(self, ids: Ids) -> Ids:
        """What the rows of these photos would have as stamps; reads no vectors."""
        return np.array(self._stamped(ids, self._rows(ids)), dtype=np.int64)

    def _rows(self, ids: Ids) -> list[Row]:
        found, places = self._ready.photos.get(ids.tolist()), self.places.of(ids)
        return [
            Row(found[number], place) for number, place in zip(ids.tolist(), places.tolist(), strict=True)
        ]

    def _stamped(self, ids: Ids, rows: list[Row]) -> list[int]:
        parts = self._ready.parts
        present = np.zeros(len(ids), bool) if parts is None else parts.have(ids)
        return [stamp_of(row, self._made_by, part) for row, part in zip(rows, present.tolist(), strict=True)]


def batches(source: Source) -> Iterator[tuple[Ids, Vectors]]:
    """As many rows at a time as one message holds."""
    for ids, vectors in source.batches():
        for start in range(0, len(ids), BATCH):
            part = slice(start, start + BATCH)
            yield ids[part], np.asarray(vectors[part], dtype=np.float32)
