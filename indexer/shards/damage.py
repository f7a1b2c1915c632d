"""Detection of damaged vectors and parts."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Place
from indexer.errors import BrokenGeneration
from indexer.shards.shard import Origin, Series

# Rows read at a time.
CHUNK = 4096
_SHARD = attrgetter("shard")


def damaged_rows(
    series: Series, catalogue: Catalogue, among: Iterable[tuple[int, int]] | None = None
) -> Iterator[Place]:
    """Yield every row, or `among` these shards and rows, that is not on disk as it was written."""
    reader = series.reader()
    stored = catalogue.stored(series.key) if among is None else catalogue.held(series.key, among)
    for places in in_chunks(stored):
        intact = reader.intact(places)
        yield from (place for place, good in zip(places, intact, strict=True) if not good)


def refuse_damage(
    index: Path, origin: Origin, catalogue: Catalogue, among: Iterable[tuple[int, int]] | None = None
) -> None:
    """Raise BrokenGeneration if any vector, or any `among` these shards and rows, is damaged: none is published."""
    series = origin.vectors_in(index)
    if place := next(damaged_rows(series, catalogue, among), None):
        raise BrokenGeneration(
            f"{series.folder}: row {place.row} of shard {place.shard} was damaged during this run; check the disk "
            "and the memory of this machine, then run sketchseek index again"
        )


def in_chunks(places: Iterator[Place]) -> Iterator[list[Place]]:
    """Yield chunks of rows within one shard, so that memory does not grow with the library."""
    for _, shard in groupby(places, key=_SHARD):
        while chunk := list(islice(shard, CHUNK)):
            yield chunk
