"""The local parts of a generation: `parts.u8`, a row for each content, and `parts.i64`, which photo has which row.

Rows are read from the open file when a search compares them: for a million photos they are a gigabyte, and a search
wants a few dozen. Photos without parts are not listed. As a file that somebody truncates must not kill the process,
nothing is mapped.
"""

import os
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BrokenGeneration
from indexer.values import Ids, PartRows

ROWS_FILE, PHOTOS_FILE = "parts.u8", "parts.i64"
FILES = (ROWS_FILE, PHOTOS_FILE)
# Id and number of its row, for each photo that has parts, by id.
Pairs = NDArray[np.int64]
PAIR_BYTES = 16


class LocalParts:
    """Looks up the parts of photos by id. Thread-safe."""

    def __init__(self, folder: Path, width: int, photos: int) -> None:
        """`width`: the bytes of a row; `photos`: how many have one."""
        self._path, self._width = folder / ROWS_FILE, width
        # Both stay open: the folder may be pruned while searches go on.
        self._rows = os.open(self._path, os.O_RDONLY)
        self._pairs_file = os.open(folder / PHOTOS_FILE, os.O_RDONLY)
        sizes = os.fstat(self._rows).st_size, os.fstat(self._pairs_file).st_size
        if not photos or not width or sizes[0] % width or sizes[1] != PAIR_BYTES * photos:
            raise BrokenGeneration(
                f"{folder}: numbers of photos and parts differ; run sketchseek index again"
            )

    def have(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of these photos have parts."""
        known, _ = self.pairs
        found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, ids), len(known) - 1)] == ids
        return found

    def of(self, ids: Ids) -> PartRows:
        known, numbers = self.pairs
        places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        present = self.have(ids)
        rows = np.zeros((len(ids), self._width), dtype=np.uint8)
        for place in np.flatnonzero(present).tolist():
            data = os.pread(self._rows, self._width, int(numbers[places[place]]) * self._width)
            if len(data) != self._width:
                raise BrokenGeneration(f"{self._path}: truncated; run sketchseek index again")
            rows[place] = np.frombuffer(data, dtype=np.uint8)
        return PartRows(rows, present)

    @cached_property
    def pairs(self) -> tuple[Ids, NDArray[np.uint32]]:
        """Ids in order, and the numbers of their rows: 12 bytes a photo, once a search asks."""
        size = os.fstat(self._pairs_file).st_size
        found: Pairs = np.frombuffer(os.pread(self._pairs_file, size, 0), dtype=np.int64).reshape(-1, 2)
        return found[:, 0].copy(), found[:, 1].astype(np.uint32)

    @property
    def count(self) -> int:
        """How many rows there are; some may belong to no photo."""
        return os.fstat(self._rows).st_size // self._width

    def __del__(self) -> None:
        # When the last search that uses it ends.
        for name in ("_rows", "_pairs_file"):
            if (opened := self.__dict__.pop(name, None)) is not None:
                os.close(opened)
