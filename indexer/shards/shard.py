"""Append-only shards of fp16 vectors and of local parts: written once per photo content, kept across generations.

A shard contains only the raw rows. The catalogue commits a row only after the shard's bytes are on disk, so whatever
follows the last committed row after a crash is never read. The catalogue also stores a checksum of each row, because
nothing in a row's bytes reveals that one of them changed.
"""

import os
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.records import Place
from indexer.disk import sync
from indexer.errors import BrokenGeneration
from model import Encoder
from model.modality import Vectors

Rows = NDArray[Any]
# fp16 preserves the length of a unit vector within a few parts in ten thousand.
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Kind:
    """What the shards of a folder hold rows of."""

    suffix: str
    number: type[np.generic]
    # Which of these rows make sense at all; None if any bytes do.
    sound: Callable[[Rows], NDArray[np.bool_]] | None = None

    def bytes(self, width: int) -> int:
        return width * np.dtype(self.number).itemsize


def are_vectors(rows: Vectors | Rows) -> NDArray[np.bool_]:
    """Return which rows are valid vectors: finite, and of unit length."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(rows.astype(np.float32), axis=1)
    found: NDArray[np.bool_] = np.abs(lengths - 1) < _TOLERANCE  # False for NaN
    return found


VECTORS = Kind(".f16", np.float16, are_vectors)
PARTS = Kind(".u8", np.uint8)


@dataclass(frozen=True)
class Series:
    """Rows that one model made of photos: the folder of their shards, and how the catalogue names them."""

    folder: Path
    key: str
    width: int
    kind: Kind = VECTORS

    def writer(self, *, above: int = 0) -> "ShardWriter":
        return ShardWriter(self.folder, self.width, above=above, kind=self.kind)

    def reader(self) -> "ShardReader":
        return ShardReader(self.folder, self.width, kind=self.kind)

    def shards(self) -> dict[int, Path]:
        return shards(self.folder, self.kind)

    def path(self, number: int) -> Path:
        return shard_path(self.folder, number, self.kind)

    def complete_rows(self) -> dict[int, int]:
        """Return how many complete rows each shard holds."""
        size = self.kind.bytes(self.width)
        return {number: path.stat().st_size // size for number, path in self.shards().items()}


@dataclass(frozen=True)
class Origin:
    """The model that made the vectors: all that readers of the vectors need to know about it."""

    model: str
    fingerprint: str
    dimension: int
    # Its local head, and the bytes of a row of parts; empty and 0 without one.
    parts: str = ""
    part_bytes: int = 0

    @classmethod
    def of(cls, encoder: Encoder) -> "Origin":
        local = encoder.local
        head = () if local is None else (local.digest, local.row_bytes)
        return cls(encoder.card.name, encoder.fingerprint, encoder.dimension, *head)

    def vectors_in(self, index: Path) -> Series:
        return Series(vectors_folder(index, self.fingerprint), self.fingerprint, self.dimension)

    def parts_in(self, index: Path) -> Series | None:
        """The rows of local parts; None without a local head."""
        if not self.parts:
            return None
        return Series(vectors_folder(index, self.parts), self.parts, self.part_bytes, PARTS)

    def series_in(self, index: Path) -> list[Series]:
        """All that the model makes of photos."""
        return [self.vectors_in(index), *filter(None, [self.parts_in(index)])]


class ShardWriter:
    """Appends to its own new shard; a run never changes an older one."""

    def __init__(self, folder: Path, width: int, *, above: int = 0, kind: Kind = VECTORS) -> None:
        """`above` is the highest number ever used, so that the number of a lost shard is not reused."""
        folder.mkdir(parents=True, exist_ok=True)
        self.number = max([above, *shards(folder, kind)]) + 1
        self._width, self._kind = width, kind
        self._rows = 0
        self._path = shard_path(folder, self.number, kind)
        self._file = self._path.open("xb")
        # After a power cut, rows are lost if the folder entries that lead to them were not synced.
        for named in (folder, folder.parent, folder.parent.parent):
            sync(named)

    def append(self, contents: Sequence[str], rows: Vectors | Rows) -> list[Place]:
        """Write the rows of these contents; returns where each is stored."""
        if rows.shape != (len(contents), self._width):
            raise ValueError(f"expected {len(contents)} rows of {self._width} numbers, got {rows.shape}")
        rows, first = rows.astype(self._kind.number), self._rows
        if self._kind.sound is not None and not self._kind.sound(rows).all():
            raise ValueError("vectors must be finite and of unit length")
        self._file.write(rows.tobytes())
        self._rows += len(rows)
        return [
            Place(content, self.number, row, checksum)
            for row, (content, checksum) in enumerate(
                zip(contents, checksums(contents, rows), strict=True), start=first
            )
        ]

    def sync(self) -> None:
        """Flush to disk; after this every row so far survives a power cut."""
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
    """Reads rows by shard and number without loading a shard into memory."""

    def __init__(self, folder: Path, width: int, *, kind: Kind = VECTORS) -> None:
        self._folder, self._width, self._kind = folder, width, kind
        self._open: tuple[int, Rows] | None = None

    def rows(self, shard: int, numbers: Sequence[int] | NDArray[np.integer]) -> Rows:
        mapped, wanted = self._shard(shard), np.asarray(numbers, dtype=np.int64)
        if len(wanted) and wanted.max() >= len(mapped):
            raise BrokenGeneration(f"{self._path(shard)}: truncated; {REBUILD}")
        return mapped[wanted]

    def intact(self, places: Sequence[Place]) -> NDArray[np.bool_]:
        """Return which rows of one shard are intact; an old row without a checksum need only be a valid vector."""
        try:
            mapped = self._shard(places[0].shard)
        except BrokenGeneration:
            return np.zeros(len(places), dtype=bool)
        numbers = np.array([place.row for place in places], dtype=np.int64)
        there = (numbers >= 0) & (numbers < len(mapped))
        rows = mapped[np.where(there, numbers, 0)]
        sums = checksums([place.content for place in places], rows)
        same = [place.checksum == found for place, found in zip(places, sums, strict=True)]
        old = np.array([place.checksum is None for place in places])
        sound = self._kind.sound(rows) if self._kind.sound is not None and old.any() else False
        intact: NDArray[np.bool_] = there & np.where(old, sound, same)
        return intact

    def checked(self, places: Sequence[Place]) -> Rows:
        """Return rows of one shard; raises BrokenGeneration if one of them is damaged."""
        if not self.intact(places).all():
            raise BrokenGeneration(f"{self._path(places[0].shard)}: damaged; {REBUILD}")
        return self.rows(places[0].shard, [place.row for place in places])

    def _shard(self, number: int) -> Rows:
        if self._open is None or self._open[0] != number:
            path = self._path(number)
            try:
                count = path.stat().st_size // self._kind.bytes(self._width)
                if not count:
                    raise ValueError("it has no rows")
                shape = (count, self._width)
                self._open = (number, np.memmap(path, dtype=self._kind.number, mode="r", shape=shape))
            except (OSError, ValueError) as error:
                raise BrokenGeneration(f"{path}: cannot be read ({error}); {REBUILD}") from None
        return self._open[1]

    def _path(self, number: int) -> Path:
        return shard_path(self._folder, number, self._kind)


REBUILD = "run sketchseek index again"


def checksums(contents: Sequence[str], rows: Rows) -> list[int]:
    """Return one checksum per row. It covers the content's name, so that a row cannot pass for another photo's."""
    width, data = rows.shape[1] * rows.itemsize, memoryview(rows.tobytes())
    return [
        zlib.crc32(data[start : start + width], zlib.crc32(content.encode()))
        for content, start in zip(contents, range(0, len(data), width), strict=True)
    ]


def vectors_folder(index: Path, fingerprint: str) -> Path:
    return index / "vectors" / fingerprint


def shards(folder: Path, kind: Kind = VECTORS) -> dict[int, Path]:
    """Return the existing shards by number."""
    found = [path for path in folder.glob(f"*{kind.suffix}") if re.fullmatch(r"\d{6,}", path.stem)]
    return {int(path.stem): path for path in found}


def shard_path(folder: Path, number: int, kind: Kind = VECTORS) -> Path:
    return folder / f"{number:06d}{kind.suffix}"
