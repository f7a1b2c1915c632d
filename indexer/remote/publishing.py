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
from indexer.remote.manifest import FORMAT, Description, Measured
from indexer.remote.proof import Truth, prove
from indexer.remote.rows import BIASES, PART, Row, columns_of
from indexer.reports.times import now
from indexer.stores import Ids, OnStep, Source
from indexer.stores.biased import EXTRA, biases_in, questions, widened
from model.modality import Vectors

_BATCH = 4096
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


def describe(collection: Collection, ready: Prepared, generation: str, index_type: str) -> Description:
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
        **vars(ready.stored),
    )


def write(
    database: Database, description: Description, ready: Prepared, where: str, on_step: OnStep
) -> Measured:
    """Write a table and its texts, and prove them; afterwards the generation is finished."""
    generation = description.generation
    writer = database.create(generation, description.layout, description.seal())
    truth, done = Truth(ready.source, description.photos, seed=int(generation)), 0
    places = Places(ready.order)
    for ids, vectors in _batches(ready.source):
        at = places.of(ids)
        truth.learn(ids, at, vectors)
        writer.add(Batch(_columns(ready, ids, at, vectors), vectors))
        done += len(ids)
        on_step("uploading", done, description.photos)
    built = writer.finish(on_step)
    table = database.table(generation, description.layout, built)
    proven = prove(table, built, truth, description.photos, where)
    folded = ready.photos.count_folded()
    found = Measured(built.kind, built.exact, folded=folded, server=database.version(), **vars(proven))
    said = {MANIFEST: description.seal(), "measured": found.written()}
    database.write_texts(generation, [*texts(ready).written().items(), *said.items()])
    return found


def texts(ready: Prepared) -> Texts:
    order = ready.order
    months = tuple(zip(order.months, map(int, order.starts[:-1]), strict=True))
    return Texts(counted(ready.photos.ask), tuple(ready.photos.roots()), months)


class Places:
    """The place of each photo, newest first."""

    def __init__(self, order: Order) -> None:
        self._places = np.argsort(order.ids)
        self._sorted = order.ids[self._places]

    def of(self, ids: Ids) -> Ids:
        found: Ids = self._places[np.searchsorted(self._sorted, ids)]
        return found


def _batches(source: Source) -> Iterator[tuple[Ids, Vectors]]:
    for ids, vectors in source.batches():
        for start in range(0, len(ids), _BATCH):
            part = slice(start, start + _BATCH)
            yield ids[part], np.asarray(vectors[part], dtype=np.float32)


def _columns(ready: Prepared, ids: Ids, places: Ids, vectors: Vectors) -> dict[str, Any]:
    found = ready.photos.get(ids.tolist())
    rows = [Row(found[number], place) for number, place in zip(ids.tolist(), places.tolist(), strict=True)]
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
    return columns
