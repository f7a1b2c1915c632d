"""Extend a large index for a few changes: copy its file from the previous generation instead of rebuilding it.

Next to it go a list of its dead ids and a small exact index of the new ones. Copied, not linked, because damage to one
generation must not affect the others.
"""

import shutil
from pathlib import Path

from indexer.errors import BrokenGeneration
from indexer.stores import Ids, Source, isin
from indexer.stores.backend import Before, Built
from indexer.stores.faiss import CODED, CODES, DEAD, EXACT, FRESH, MAIN, IndexType, kind_of
from indexer.stores.faiss.build import build
from indexer.stores.faiss.file import FaissFile
from indexer.stores.faiss.layers import read_dead, write_dead

# Beyond this share of dead and new ids, rebuilding is better.
REBUILD_AT = 0.05


def extend(
    folder: Path, before: Before, source: Source, ids: Ids, unchanged: Ids, index_type: IndexType
) -> Built | None:
    """Write all three files; None if that is not worth it, or if the file to copy is damaged."""
    built = before.built
    if built.kind == EXACT or built.kind != kind_of(index_type, source.count):
        return None
    if len(ids) - len(unchanged) > REBUILD_AT * len(ids):
        return None
    try:
        for name in (MAIN, CODES) if built.kind in CODED else (MAIN,):
            shutil.copyfile(before.folder / name, folder / name)
            before.check(folder / name)
        if DEAD in before.files:
            before.check(before.folder / DEAD)
    except BrokenGeneration:
        return None
    # Mapped, because nothing but the ids is read.
    there = FaissFile(folder / MAIN, in_memory=0).ids
    kept = isin(there, unchanged) & ~isin(there, read_dead(before.folder))
    dead, fresh = there[~kept], ids[~isin(ids, there[kept])]
    if len(dead) + len(fresh) > REBUILD_AT * len(there):
        return None
    write_dead(folder, dead)
    build(folder / FRESH, source.only(fresh), "flat")
    return built
