"""Write a generation from a collection: vectors, photo list, groups of near-duplicates, manifest."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.collection import Collection, Inventory
from indexer.duplicates.folding import Older, fold
from indexer.errors import BrokenGeneration, NoIndex
from indexer.generations import generation
from indexer.generations.biases import Biases, Lookup, open_store
from indexer.generations.manifest import FORMAT, WITHOUT_PARTS, Manifest, check_file, describe, read_manifest
from indexer.generations.photos import PHOTOS_FILE, PhotosWriter
from indexer.parts.reader import FILES, LocalParts
from indexer.parts.writer import Earlier, write_parts
from indexer.reports.times import now
from indexer.stores import Ids, OnStep, Source
from indexer.stores.backend import Before, Built
from indexer.stores.biased import BiasedStore, questions, widened
from indexer.stores.registry import Stores, asked, spelled, split
from model.bank import Bank


@dataclass(frozen=True)
class _Before:
    """The current generation, if it has the same model and its photo list is intact."""

    folder: Path
    manifest: Manifest

    @classmethod
    def find(cls, index: Path, fingerprint: str) -> "_Before | None":
        try:
            folder = generation.current(index)
            manifest = read_manifest(folder)
            check_file(folder, manifest, PHOTOS_FILE)
        except (NoIndex, BrokenGeneration, KeyError):
            return None
        return cls(folder, manifest) if manifest.fingerprint == fingerprint else None

    def of_store(self, name: str, bank: str) -> Before | None:
        """The generation as input for extending it, if its store has this name, and its biases come from this bank."""
        manifest = self.manifest
        store, kind = split(manifest.store)
        if store != name or manifest.bank != bank:
            return None
        return Before(
            self.folder, Built(kind, manifest.effort, manifest.recall), frozenset(manifest.files), self._check
        )

    def biases(self, bank: Bank) -> Lookup | None:
        """Look up the biases of photos in this generation, if they come from this bank and its store is intact."""
        if self.manifest.bank != bank.digest:
            return None
        try:
            for name in self.manifest.files:
                self._check(self.folder / name)
            store = open_store(Stores(), self.folder, self.manifest)
        except BrokenGeneration:
            return None
        return lambda ids: store.both(ids)[1]

    def parts(self, digest: str, unchanged: Ids) -> Earlier | None:
        """The parts in this generation, if they come from this local head and are intact."""
        if not digest or self.manifest.parts != digest:
            return None
        try:
            for name in FILES:
                self._check(self.folder / name)
            manifest = self.manifest
            stored = LocalParts(self.folder, manifest.part_bytes, manifest.part_photos)
            return Earlier(self.folder, stored, unchanged)
        except (BrokenGeneration, KeyError):
            return None

    def _check(self, path: Path) -> None:
        check_file(path.parent, self.manifest, path.name)


def publish(
    index: Path, collection: Collection, *, index_type: str | None = None, on_step: OnStep | None = None
) -> Manifest:
    """Publish everything in the collection as a new generation, and point CURRENT to it.

    Without an `index_type`, keeps that of the previous generation.
    """
    origin = collection.origin
    before = _Before.find(index, origin.fingerprint)
    wanted = index_type or wanted_type(index)
    store_name, own_type = asked(wanted)
    backend = Stores()[store_name]
    bank = collection.bank
    digest = "" if bank is None else bank.digest

    def write(folder: Path, name: str) -> Manifest:
        photos = PhotosWriter(folder / PHOTOS_FILE)
        try:
            inventory = _write_photos(photos, collection)
            ids, source, built = inventory.ids, inventory.vectors, None
            unchanged = np.empty(0, np.int64)
            older = None
            if before is not None:
                unchanged = photos.unchanged_since(before.folder / PHOTOS_FILE)
                older = Older(before.folder / PHOTOS_FILE, unchanged)
            stored = source if bank is None else _weighed(source, bank, ids, unchanged, before, on_step)
            if before is not None and (same := before.of_store(store_name, digest)) is not None:
                built = backend.extend(folder, same, stored, ids, unchanged, own_type)
            built = built or backend.build(folder, stored, own_type, on_step)
            store = BiasedStore(backend.open(folder, built), origin.dimension, biased=bank is not None)
            fold(photos, inventory, older, store, on_step)
            photos.finish()
        finally:
            photos.close()
        earlier = before.parts(origin.parts, unchanged) if before is not None else None
        parts = write_parts(folder, collection, earlier)
        return Manifest(
            format=FORMAT if parts.parts else WITHOUT_PARTS,
            generation=name,
            created=now(),
            model=origin.model,
            fingerprint=origin.fingerprint,
            dimension=origin.dimension,
            store=spelled(store_name, built.kind),
            photos=len(ids),
            revision=collection.revision,
            files=describe(folder),
            index_type=wanted,
            effort=built.effort,
            recall=built.recall,
            bank=digest,
            **vars(parts),
        )

    return generation.publish(index, write)


def _weighed(
    source: Source, bank: Bank, ids: Ids, unchanged: Ids, before: _Before | None, on_step: OnStep | None
) -> Source:
    biases = Biases(bank, ids, unchanged, before.biases if before else None, on_step)
    return widened(source, biases, questions(bank) if bank.kinds else None)


def wanted_type(index: Path) -> str:
    """The index type requested when the current generation was published."""
    try:
        return read_manifest(generation.current(index)).index_type
    except (NoIndex, BrokenGeneration):
        return "auto"


def _write_photos(photos: PhotosWriter, collection: Collection) -> Inventory:
    """Write all photos; returns what there is of each."""
    inventory = collection.inventory()
    photos.fill(collection.write_photos)
    return inventory
