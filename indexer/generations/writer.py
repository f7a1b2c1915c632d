"""Makes a generation of a collection: vectors, photo list, groups of near-duplicates, manifest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.records import Entry
from indexer.collection import Collection
from indexer.duplicates import groups
from indexer.duplicates.signatures import Looks
from indexer.errors import BrokenGeneration, NoIndex
from indexer.generations import generation
from indexer.generations.manifest import FORMAT, Manifest, check_file, describe, read_manifest
from indexer.generations.photos import PHOTOS_FILE, Photos, PhotosWriter
from indexer.reports.times import now
from indexer.stores import Ids, OnStep, Source, Store
from indexer.stores.backend import Before, Built
from indexer.stores.registry import Stores, asked, spelled, split


@dataclass(frozen=True)
class _Before:
    """The generation that serves now, if its photos are of the same model and as they were published."""

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

    def of_store(self, name: str) -> Before | None:
        """As a store of this name may take it over."""
        manifest = self.manifest
        store, kind = split(manifest.store)
        if store != name:
            return None
        return Before(
            self.folder, Built(kind, manifest.effort, manifest.recall), frozenset(manifest.files), self._check
        )

    def _check(self, path: Path) -> None:
        check_file(path.parent, self.manifest, path.name)


def publish(
    index: Path, collection: Collection, *, index_type: str | None = None, on_step: OnStep | None = None
) -> Manifest:
    """Makes a generation of everything in the collection, and lets CURRENT name it.

    Without an `index_type` that of the generation before is kept.
    """
    origin = collection.origin
    before = _Before.find(index, origin.fingerprint)
    wanted = index_type or wanted_type(index)
    store_name, own_type = asked(wanted)
    backend = Stores()[store_name]
    collection.refuse_damage()

    def write(folder: Path, name: str) -> Manifest:
        photos = PhotosWriter(folder / PHOTOS_FILE)
        try:
            ids, originals = _write_photos(photos, collection.photos())
            source, built = collection.vectors(len(ids)), None
            unchanged = np.empty(0, np.int64)
            if before is not None:
                unchanged = photos.unchanged_since(before.folder / PHOTOS_FILE)
                if (same := before.of_store(store_name)) is not None:
                    built = backend.extend(folder, same, source, ids, unchanged, own_type)
            built = built or backend.build(folder, source, own_type, on_step)
            store, seen = backend.open(folder, built), collection.signatures()
            photos.fold(_folded(ids, originals, unchanged, before, source, store, seen, on_step))
            photos.finish()
        finally:
            photos.close()
        return Manifest(
            format=FORMAT,
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
        )

    return generation.publish(index, write)


def wanted_type(index: Path) -> str:
    """The kind of index that was asked for when the current generation was made."""
    try:
        return read_manifest(generation.current(index)).index_type
    except (NoIndex, BrokenGeneration):
        return "auto"


def _write_photos(photos: PhotosWriter, entries: Iterator[Entry]) -> tuple[Ids, Ids]:
    """Writes all; returns their ids, and for each the place of the first photo of the same content."""
    ids: list[int] = []
    originals: list[int] = []
    content = ""

    def noted() -> Iterator[Sequence[object]]:
        nonlocal content
        for entry in entries:
            # Photos of one content share a vector, and so stand together in the order of the vectors.
            originals.append(originals[-1] if entry.content == content else len(ids))
            ids.append(entry.id)
            content = entry.content
            yield entry[:-2]

    photos.add(noted())
    return np.array(ids, dtype=np.int64), np.array(originals, dtype=np.int64)


def _folded(
    ids: Ids,
    originals: Ids,
    unchanged: Ids,
    before: _Before | None,
    source: Source,
    store: Store,
    seen: Looks,
    on_step: OnStep | None,
) -> Iterator[tuple[int, int]]:
    """Ids of near-duplicates, each with the id that stands for it."""
    first = np.flatnonzero(originals == np.arange(len(ids)))
    contents = ids[first]
    known: dict[int, int] = {}
    new = np.arange(len(contents))
    if before is not None:
        same = np.isin(contents, unchanged)
        known, new = _known_groups(contents, same, before), np.flatnonzero(~same)
    if before is not None and groups.few_are_new(len(new), len(contents), store):
        alike = groups.new_pairs(new, source, contents, store, seen)
    else:
        known, alike = {}, groups.all_pairs(source, contents, store, seen, on_step)
    leaders = contents[groups.stand_ins(contents, alike, known, store, seen)]
    place = np.searchsorted(first, originals)
    for one, leader in zip(ids.tolist(), leaders[place].tolist(), strict=True):
        if one != leader:
            yield one, leader


def _known_groups(contents: Ids, same: NDArray[np.bool_], before: _Before) -> dict[int, int]:
    """Which place stands for which, as it was; where the one that stood is gone, the first that is left does."""
    photos = Photos(before.folder / PHOTOS_FILE)
    try:
        groups = photos.groups()
    finally:
        photos.close()
    if not groups:
        return {}
    standing = set(groups.values())
    members = [
        p for p in np.flatnonzero(same).tolist() if int(contents[p]) in groups or int(contents[p]) in standing
    ]
    chosen: dict[int, int] = {}
    for place in members:
        if int(contents[place]) not in groups:
            chosen[int(contents[place])] = place
    known: dict[int, int] = {}
    for place in members:
        leader = chosen.setdefault(groups.get(int(contents[place]), int(contents[place])), place)
        if leader != place:
            known[place] = leader
    return known
