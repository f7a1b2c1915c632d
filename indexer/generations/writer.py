"""Makes a generation of what the catalogue holds: vectors, photo list, groups of near-duplicates, manifest.

A large index is not built anew for a few changes: its file is copied from the generation before, together with a
list of ids that are dead in it and a small exact index of what is new. Copied, not linked, for damage to one
generation must leave the others whole.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.duplicates import groups, signatures
from indexer.duplicates.signatures import Looks
from indexer.errors import BrokenGeneration, IndexProblem, NoIndex
from indexer.generations import generation
from indexer.generations.manifest import FORMAT, Manifest, check_file, describe, read_manifest
from indexer.generations.photos import PHOTOS_FILE, Photos, PhotosWriter
from indexer.reports.times import now
from indexer.shards.damage import refuse_damage
from indexer.shards.shard import Origin, ShardReader, vectors_folder
from indexer.stores import Batches, Ids, IndexType, Source
from indexer.stores.faiss.build import Built, Progress, build, choose
from indexer.stores.faiss.file import FaissFile
from indexer.stores.faiss.layers import DEAD, FRESH, MAIN, LayeredStore, read_dead, write_dead
from model.modality import Vectors

# Beyond this share of dead and new ids, searching all three costs more than a new index is worth.
REBUILD_AT = 0.05
_CHUNK = 8192


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


def publish_catalogue(
    index: Path,
    origin: Origin,
    catalogue: Catalogue,
    *,
    index_type: IndexType | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Makes a generation of everything that the catalogue holds for this model, and lets CURRENT name it.

    Without an `index_type` that of the generation before is kept.
    """
    fingerprint = origin.fingerprint
    before = _Before.find(index, fingerprint)
    wanted = index_type or wanted_type(index)
    refuse_damage(index, origin, catalogue)
    reader = ShardReader(vectors_folder(index, fingerprint), origin.dimension)

    def write(folder: Path, name: str) -> Manifest:
        photos = PhotosWriter(folder / PHOTOS_FILE)
        try:
            ids, originals = _write_photos(photos, catalogue.entries(fingerprint))
            unchanged = np.empty(0, np.int64)
            if before is not None:
                unchanged = photos.unchanged_since(before.folder / PHOTOS_FILE)
            source = Source(
                len(ids), origin.dimension, lambda: _batches(catalogue.places(fingerprint), reader)
            )
            built = _extend(folder, before, wanted, source, ids, unchanged)
            built = built or _build(folder / MAIN, source, wanted, progress)
            store = LayeredStore.open(folder, built.effort)
            seen = signatures.stack(catalogue.looks(fingerprint))
            photos.fold(_folded(ids, originals, unchanged, before, source, store, seen, progress))
            photos.finish()
        finally:
            photos.close()
        return Manifest(
            format=FORMAT,
            generation=name,
            created=now(),
            model=origin.model,
            fingerprint=fingerprint,
            dimension=origin.dimension,
            store=built.kind,
            photos=len(ids),
            revision=catalogue.revision,
            files=describe(folder),
            index_type=wanted,
            effort=built.effort,
            recall=built.recall,
        )

    return generation.publish(index, write)


def wanted_type(index: Path) -> IndexType:
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


def _build(path: Path, source: Source, wanted: IndexType, progress: Progress | None) -> Built:
    try:
        return build(path, source, wanted, progress)
    except RuntimeError as error:
        # How FAISS says that the disk is full.
        reason = str(error).splitlines()[0]
        raise IndexProblem(
            f"{path}: cannot be written ({reason}); free some space and run the same command again"
        ) from None


def _extend(
    folder: Path, before: _Before | None, wanted: IndexType, source: Source, ids: Ids, unchanged: Ids
) -> Built | None:
    """Takes over a large index with a list of what is dead in it, and a small one beside it; None if not worth it."""
    if before is None or before.manifest.store != f"{choose(wanted, source.count)}-fp16":
        return None
    old = before.manifest
    if old.store == "flat-fp16" or len(ids) - len(unchanged) > REBUILD_AT * len(ids):
        return None
    shutil.copyfile(before.folder / MAIN, folder / MAIN)
    try:
        check_file(folder, old, MAIN)
        if DEAD in old.files:
            check_file(before.folder, old, DEAD)
    except BrokenGeneration:
        return None
    there = FaissFile(folder / MAIN).ids
    kept = np.intersect1d(np.setdiff1d(there, read_dead(before.folder)), unchanged, assume_unique=True)
    dead, fresh = np.setdiff1d(there, kept), np.setdiff1d(ids, kept)
    if len(dead) + len(fresh) > REBUILD_AT * len(there):
        return None
    write_dead(folder, dead)
    batches = (_only(fresh, batch) for batch in source.batches())
    _build(folder / FRESH, Source(len(fresh), source.dimension, lambda: batches), "flat", None)
    return Built(old.store, old.effort, old.recall)


def _only(ids: Ids, batch: tuple[Ids, Vectors]) -> tuple[Ids, Vectors]:
    chosen = np.isin(batch[0], ids)
    return batch[0][chosen], batch[1][chosen]


def _folded(
    ids: Ids,
    originals: Ids,
    unchanged: Ids,
    before: _Before | None,
    source: Source,
    store: LayeredStore,
    seen: Looks,
    progress: Progress | None,
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
        known, alike = {}, groups.all_pairs(source, contents, store, seen, progress)
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


def _batches(rows: Iterator[tuple[int, int, int]], reader: ShardReader) -> Batches:
    """Chunks of one shard each, so that memory stays small however large the library is."""
    while (chunk := np.array(list(islice(rows, _CHUNK)), dtype=np.int64).reshape(-1, 3)).size:
        for part in np.split(chunk, np.flatnonzero(np.diff(chunk[:, 1])) + 1):
            yield part[:, 0], reader.rows(int(part[0, 1]), part[:, 2]).astype(np.float32)
