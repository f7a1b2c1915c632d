"""Find and repair damaged vectors before they are published.

Each run verifies the checksums of all rows, and of the current generation's files. Damaged or lost rows are copied back
from that generation, which has its own checksums; the rest is embedded again.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Place
from indexer.errors import BrokenGeneration, NoIndex
from indexer.generations import generation
from indexer.generations.biases import open_store
from indexer.generations.manifest import verify
from indexer.generations.photos import PHOTOS_FILE, Photos
from indexer.reports.counting import counted, counted_were
from indexer.shards import compaction
from indexer.shards.damage import CHUNK, damaged_rows, in_chunks
from indexer.shards.shard import Origin, are_vectors, checksums
from indexer.stores.registry import Stores


def heal_vectors(index: Path, origin: Origin, catalogue: Catalogue) -> list[str]:
    """Copy damaged vectors back, or forget them, so that this run embeds them again. Returns lines for the report.

    Adds checksums to rows that an older version wrote without them.
    """
    series = origin.vectors_in(index)
    damaged = list(damaged_rows(series, catalogue))
    bad = [place.content for place in damaged]
    with catalogue.transaction():
        copied = _copy_back(index, origin, catalogue, bad) if bad else set()
        forgotten = [content for content in bad if content not in copied]
        catalogue.forget_vectors(origin.fingerprint, forgotten)
        _learn(index, origin, catalogue)
    if damaged:
        # Move the intact rows of damaged shards elsewhere on the disk.
        series.folder.mkdir(parents=True, exist_ok=True)
        compaction.tidy(catalogue, series, {place.shard for place in damaged})
    lines = []
    if copied:
        lines.append(
            f"{counted_were(len(copied), 'vector')} damaged or lost: copied back from the published index"
        )
    if forgotten:
        lines.append(
            f"{counted_were(len(forgotten), 'vector')} damaged or lost: embedded again if the photo still exists"
        )
    return lines


def heal_parts(index: Path, origin: Origin, catalogue: Catalogue) -> list[str]:
    """Forget damaged local parts, so that this run makes them again. Returns lines for the report."""
    series = origin.parts_in(index)
    damaged = [] if series is None else list(damaged_rows(series, catalogue))
    if series is None or not damaged:
        return []
    with catalogue.transaction():
        catalogue.forget_vectors(series.key, [place.content for place in damaged])
    if series.folder.is_dir():
        compaction.tidy(catalogue, series, {place.shard for place in damaged})
    return [f"local parts of {counted(len(damaged), 'photo')} damaged or lost: made again"]


def _learn(index: Path, origin: Origin, catalogue: Catalogue) -> None:
    reader = origin.vectors_in(index).reader()
    unknown = catalogue.without_checksum(origin.fingerprint)
    learned: list[Place] = []
    for places in in_chunks(unknown):
        rows = reader.checked(places)
        sums = checksums([place.content for place in places], rows)
        learned += [place._replace(checksum=found) for place, found in zip(places, sums, strict=True)]
    catalogue.place_vectors(origin.fingerprint, learned)


def _copy_back(index: Path, origin: Origin, catalogue: Catalogue, wanted: Sequence[str]) -> set[str]:
    """Copy vectors back from the current generation. Returns the contents that were found there."""
    try:
        folder = generation.current(index)
        manifest = verify(folder)
        if manifest.fingerprint != origin.fingerprint:
            return set()
        store = open_store(Stores(), folder, manifest)
        photos = Photos(folder / PHOTOS_FILE)
    except (NoIndex, BrokenGeneration):
        return set()
    try:
        ids = photos.ids_of(wanted)
    finally:
        photos.close()
    copied: set[str] = set()
    given_out = max(catalogue.shards(origin.fingerprint), default=0)
    with origin.vectors_in(index).writer(above=given_out) as shard:
        names = list(ids)
        for start in range(0, len(names), CHUNK):
            part = names[start : start + CHUNK]
            vectors = store.vectors(np.array([ids[name] for name in part], dtype=np.int64))
            good = are_vectors(vectors)
            part = [name for name, fine in zip(part, good, strict=True) if fine]
            catalogue.place_vectors(origin.fingerprint, shard.append(part, vectors[good]))
            copied.update(part)
        shard.sync()
    return copied
