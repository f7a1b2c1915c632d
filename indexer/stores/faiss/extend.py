"""A large index is not built anew for a few changes: its file is copied from the generation before.

Beside it lie a list of ids that are dead in it and a small exact index of what is new. Copied, not linked, for damage
to one generation must leave the others whole.
"""

import shutil
from pathlib import Path

import numpy as np

from indexer.errors import BrokenGeneration
from indexer.stores import Batches, Ids, Source
from indexer.stores.backend import Before, Built
from indexer.stores.faiss import EXACT, IndexType
from indexer.stores.faiss.build import build, choose
from indexer.stores.faiss.file import FaissFile
from indexer.stores.faiss.layers import DEAD, FRESH, MAIN, read_dead, write_dead

# Beyond this share of dead and new ids, searching all three costs more than a new index is worth.
REBUILD_AT = 0.05


def extend(
    folder: Path, before: Before, source: Source, ids: Ids, unchanged: Ids, index_type: IndexType
) -> Built | None:
    """Writes all three files; None where that is not worth it, or what would be copied is damaged."""
    built = before.built
    if built.kind == EXACT or built.kind != f"{choose(index_type, source.count)}-fp16":
        return None
    if len(ids) - len(unchanged) > REBUILD_AT * len(ids):
        return None
    shutil.copyfile(before.folder / MAIN, folder / MAIN)
    try:
        before.check(folder / MAIN)
        if DEAD in before.files:
            before.check(before.folder / DEAD)
    except BrokenGeneration:
        return None
    there = FaissFile(folder / MAIN).ids
    kept = np.intersect1d(np.setdiff1d(there, read_dead(before.folder)), unchanged, assume_unique=True)
    dead, fresh = np.setdiff1d(there, kept), np.setdiff1d(ids, kept)
    if len(dead) + len(fresh) > REBUILD_AT * len(there):
        return None
    write_dead(folder, dead)

    def batches() -> Batches:
        for some, vectors in source.batches():
            chosen = np.isin(some, fresh)
            yield some[chosen], vectors[chosen]

    build(folder / FRESH, Source(len(fresh), source.dimension, batches), "flat")
    return built
