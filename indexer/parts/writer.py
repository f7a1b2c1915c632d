"""Write the local parts of a generation; those of unchanged photos come from the generation before."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from indexer.collection import Collection, Places, row_keys
from indexer.parts.reader import PHOTOS_FILE, ROWS_FILE, LocalParts
from indexer.stores import Ids, isin

# Copied rows that no photo uses any more are at most this share of a file.
_MOST_UNUSED = 0.1


@dataclass(frozen=True)
class Stored:
    """What was written: the local head, the bytes of a row, and how many photos have one."""

    parts: str = ""
    part_bytes: int = 0
    part_photos: int = 0


@dataclass(frozen=True)
class Earlier:
    """The parts of the generation before, which were checked, and the photos that are still the same."""

    folder: Path
    parts: LocalParts
    unchanged: Ids


def write_parts(folder: Path, collection: Collection, earlier: Earlier | None) -> Stored:
    """Write what the collection's photos have of parts; no file if they have none."""
    places = collection.part_places()
    if not len(places):
        return Stored()
    width = collection.origin.part_bytes
    numbers = np.full(len(places), -1, dtype=np.int64)
    if earlier is not None:
        _copy(earlier, places, numbers, folder / ROWS_FILE)
    with (folder / ROWS_FILE).open("ab") as file:
        fresh = numbers < 0
        numbers[fresh] = _append(collection, places[fresh], file, file.tell() // width)
    # A row that was damaged is left out.
    there = numbers >= 0
    pairs = np.column_stack([places.ids[there], numbers[there]])
    if not len(pairs):
        (folder / ROWS_FILE).unlink()
        return Stored()
    pairs[np.argsort(pairs[:, 0])].tofile(folder / PHOTOS_FILE)
    return Stored(collection.origin.parts, width, len(pairs))


def _copy(earlier: Earlier, places: Places, numbers: Ids, target: Path) -> None:
    """Copy the earlier file whole, if most of its rows are still used, and note their numbers."""
    known, rows = earlier.parts.pairs
    at = np.minimum(np.searchsorted(known, places.ids), len(known) - 1)
    same = (known[at] == places.ids) & isin(places.ids, earlier.unchanged)
    used = np.zeros(earlier.parts.count, dtype=bool)
    used[rows[at[same]]] = True
    if int((~used).sum()) > _MOST_UNUSED * len(used):
        return
    shutil.copyfile(earlier.folder / ROWS_FILE, target)
    numbers[same] = rows[at[same]]


def _append(collection: Collection, places: Places, file: BinaryIO, first: int) -> NDArray[np.int64]:
    """Write the rows at these places in their order on disk; returns the number of each, -1 for a damaged one."""
    # Those with the same content follow one another.
    keys = places.keys
    new = np.diff(keys, prepend=-1) != 0
    wanted, back = keys[new], np.cumsum(new) - 1
    numbers = np.full(len(wanted), -1, dtype=np.int64)
    for stored, rows in collection.part_rows(places):
        at = np.minimum(
            np.searchsorted(wanted, there := row_keys(stored[:, 0], stored[:, 1])), max(0, len(wanted) - 1)
        )
        good = wanted[at] == there
        numbers[at[good]] = first + np.arange(int(good.sum()))
        first += int(good.sum())
        file.write(rows[good].tobytes())
    found: NDArray[np.int64] = numbers[back]
    return found
