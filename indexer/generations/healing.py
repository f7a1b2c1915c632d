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
from indexer.reports.counting import counted_were
from indexer.shards import compaction
from indexer.shards.damage import CHUNK, damaged_vectors, in_chunks
from indexer.shards.shard import Origin, ShardReader, ShardWriter, are_vectors, checksums, vectors_folder
from indexer.stores.registry import Stores


def heal_vectors(index: Path, origin: Origin, catalogue: Catalogue) -> list[str]:
    """Copy damaged vectors back, or forget them, so that this run embeds them again. Returns lines for the report.

    Adds checksums to rows that an older version wrote without them.
    """
    damaged = list(damaged_vectors(index, origin, catalogue))
    bad = [place.content for place in damaged]
    with catalogue.transaction():
        copied = _copy_back(index, origin, catalogue, bad) if bad else set()
        forgotten = [content for content in bad if content not in copied]
        catalogue.forget_vectors(origin.fingerprint, forgotten)
        _learn(index, origin, catalogue)
    if damaged:
        # Move the intact rows of damaged shards elsewhere on the disk.
        folder, shards = vectors_folder(index, origin.fingerprint), {place.shard for place in damaged}
        folder.mkdir(parents=True, exist_ok=True)
        compaction.tidy(catalogue, folder, origin.fingerprint, origin.dimension, shards)
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


def _learn(index: Path, origin: Origin, catalogue: Catalogue) -> None:
    reader = ShardReader(vectors_folder(index, origin.fingerprint), origin.dimension)
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
    with ShardWriter(vectors_folder(index, origin.fingerprint), origin.dimension, above=given_out) as shard:
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
