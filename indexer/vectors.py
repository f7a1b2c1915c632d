"""Append-only shards of fp16 vectors: written once per photo content, kept across generations.

A shard is the plain rows, nothing else; the catalogue commits a row only after the shard's bytes are on disk,
so whatever lies behind the last committed row after a crash is never read.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.disk import sync
from indexer.errors import BrokenGeneration
from model import Encoder
from model.modality import Vectors

Rows = NDArray[np.float16]


@dataclass(frozen=True)
class Origin:
    """The model that vectors come from: all that is to be known of it once they are made."""

    model: str
    fingerprint: str
    dimension: int

    @classmethod
    def of(cls, encoder: Encoder) -> "Origin":
        return cls(encoder.card.name, encoder.fingerprint, encoder.dimension)


class ShardWriter:
    """Appends to a new shard of its own; a run never touches an older one."""

    def __init__(self, folder: Path, dimension: int, *, above: int = 0) -> None:
        """`above` is the highest number ever given out: that of a shard that got lost is not used again."""
        folder.mkdir(parents=True, exist_ok=True)
        self.number = max([above, *shards(folder)]) + 1
        self._dimension = dimension
        self._rows = 0
        self._path = shard_path(folder, self.number)
        self._file = self._path.open("xb")
        # The rows are of no use after a power cut if the names that lead to them were not kept.
        for named in (folder, folder.parent, folder.parent.parent):
            sync(named)

    def append(self, vectors: Vectors) -> int:
        """Writes the rows; returns the number of the first."""
        if vectors.ndim != 2 or vectors.shape[1] != self._dimension:
            raise ValueError(f"rows of {self._dimension} numbers expected, got {vectors.shape}")
        first = self._rows
        self._file.write(vectors.astype(np.float16).tobytes())
        self._rows += len(vectors)
        return first

    def sync(self) -> None:
        """Returns once every row so far would survive a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._rows == 0:
            self._path.unlink()


class ShardReader:
    """Reads rows by shard and number without holding a shard in memory."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        self._dimension = dimension
        self._open: tuple[int, Rows] | None = None

    def rows(self, shard: int, numbers: Sequence[int] | NDArray[np.int64]) -> Rows:
        mapped = self._shard(shard)
        if len(numbers) and max(numbers) >= len(mapped):
            raise BrokenGeneration(f"{shard_path(self._folder, shard)}: cut short; {REBUILD}")
        return mapped[np.asarray(numbers, dtype=np.int64)]

    def _shard(self, number: int) -> Rows:
        if self._open is None or self._open[0] != number:
            path = shard_path(self._folder, number)
            try:
                count = path.stat().st_size // (2 * self._dimension)
                shape = (count, self._dimension)
                self._open = (number, np.memmap(path, dtype=np.float16, mode="r", shape=shape))
            except (OSError, ValueError) as error:
                raise BrokenGeneration(f"{path}: cannot be read ({error}); {REBUILD}") from None
        return self._open[1]


REBUILD = "run sketchseek index again"


def vectors_folder(index: Path, fingerprint: str) -> Path:
    return index / "vectors" / fingerprint


def shards(folder: Path) -> dict[int, Path]:
    """The shards that are there, by number."""
    found = [path for path in folder.glob("*.f16") if re.fullmatch(r"\d{6,}", path.stem)]
    return {int(path.stem): path for path in found}


def complete_rows(folder: Path, dimension: int) -> dict[int, int]:
    """How many whole rows each shard holds."""
    return {number: path.stat().st_size // (2 * dimension) for number, path in shards(folder).items()}


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.f16"
