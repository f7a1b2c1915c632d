"""Compact the vectors and parts of an index: merge shards with few used rows, and remove unused ones.

A copy is on disk before the catalogue refers to it, and the old shard is deleted only after that: a run that dies in
between leaves a shard that the next run removes.
"""

import shutil
from collections.abc import Set
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.shards.shard import PARTS, VECTORS, Series
from model.bank import BANK_FILE

# Shards with a smaller share of used rows are copied: at most half of the space is wasted.
_WORTH_KEEPING = 0.5
_CHUNK = 4096
_SUFFIXES = {VECTORS.suffix, PARTS.suffix}


def tidy(catalogue: Catalogue, series: Series, damaged: Set[int] = frozenset()) -> None:
    """Remove unused shards, and copy the used rows of half-empty or damaged ones to a new shard."""
    used = catalogue.rows_in_use(series.key)
    whole, before = series.complete_rows(), series.shards()
    sparse = [
        number
        for number, rows in used.items()
        if number in whole and (rows < _WORTH_KEEPING * whole[number] or number in damaged)
    ]
    if sparse:
        _copy(catalogue, series, sparse)
    for number, path in before.items():
        if number in sparse or number not in used:
            path.unlink()


def _copy(catalogue: Catalogue, series: Series, numbers: list[int]) -> None:
    reader, highest = series.reader(), max(catalogue.shards(series.key))
    with catalogue.transaction():
        catalogue.forget_orphans(series.key, numbers)
        with series.writer(above=highest) as shard:
            for number in sorted(numbers):
                first = 0
                while part := catalogue.stored_in(series.key, number, first, _CHUNK):
                    names = [place.content for place in part]
                    catalogue.place_vectors(series.key, shard.append(names, reader.checked(part)))
                    first = part[-1].row + 1
            shard.sync()


def drop_models(catalogue: Catalogue, vectors: Path, needed: Set[str]) -> None:
    """Remove the vectors and parts of models that no kept generation uses."""
    useless = [folder for folder in vectors.iterdir() if folder.is_dir() and folder.name not in needed]
    if useless:
        with catalogue.transaction():
            catalogue.keep_models(needed)
    for folder in useless:
        if all(path.suffix in _SUFFIXES or path.name == BANK_FILE for path in folder.iterdir()):
            shutil.rmtree(folder)
