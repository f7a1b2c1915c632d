"""Divide photos into cells, so that near-duplicates nearly always share one, and only photos of a cell are compared.

Each photo is in the cells of the two nearest of about 2 sqrt(n) landmark photos. The first pass over all vectors writes
a short form of each to files, by cell; so neither memory nor the number of passes grows with the library.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates.contents import Contents
from indexer.duplicates.room import Room
from indexer.stores import Ids, OnStep
from model.modality import Vectors

# The most similar of 31,200 pairs of different photos of one Sketchy class have a cosine of .958.
THRESHOLD = 0.96
_LANDMARKS = 2
_MOST_LANDMARKS = 2048
# Up to so many photos are all one cell.
_FROM = 2000
# Larger cells are divided once more.
WINDOW = 16_384
_BLOCK = 8192
_MOST_FILES = 100

Half = NDArray[np.float16]


@dataclass(frozen=True)
class Short:
    """Turns vectors into their few most telling columns, and the length of the rest.

    The inner product of two is not less than that of the vectors, but for SLACK, which fp16 rounds.
    """

    axes: Vectors | None

    COLUMNS = 128
    SLACK = 2e-3

    @classmethod
    def like(cls, vectors: Vectors) -> "Short":
        """Along the axes in which these differ most; vectors that are short already stay as they are."""
        if vectors.shape[1] <= cls.COLUMNS:
            return cls(None)
        wide = vectors.astype(np.float64)
        _, axes = np.linalg.eigh(wide.T @ wide)
        return cls(np.ascontiguousarray(axes[:, : -cls.COLUMNS : -1], dtype=np.float32))

    def __call__(self, vectors: Vectors) -> Half:
        if self.axes is None:
            return vectors.astype(np.float16)
        short = np.empty((len(vectors), self.COLUMNS), dtype=np.float16)
        turned = vectors @ self.axes
        rest = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", turned, turned)
        short[:, :-1], short[:, -1] = turned, np.sqrt(np.maximum(rest, 0))
        return short


@dataclass(frozen=True)
class Cell:
    """Some places, in order, and where their short vectors are."""

    places: Ids
    rows: Half
    numbers: Ids

    def __len__(self) -> int:
        return len(self.places)

    def short(self) -> Vectors:
        return self.rows[self.numbers].astype(np.float32)

    def among(self, chosen: Ids) -> "Cell":
        return Cell(self.places[chosen], self.rows, self.numbers[chosen])


def cells(contents: Contents, tell: OnStep) -> Iterator[Cell]:
    """Yield all cells; each place is in as many as it has landmarks."""
    count = len(contents)
    if count <= _FROM:
        none = np.empty((0, contents.source.dimension), dtype=np.float32)
        rows: Vectors = np.concatenate([none, *(vectors for _, vectors in contents.batches())])
        # To compare them whole is sooner done than to find axes.
        yield Cell(np.arange(count), Short(None)(rows), np.arange(count))
        return
    landmarks = distinct(contents.source.sample(int(min(2 * count**0.5, _MOST_LANDMARKS))))
    short = Short.like(landmarks)
    with ExitStack() as stack:
        files = _Files(contents.room, count, short.COLUMNS, stack)
        for places, vectors in contents.batches():
            filed = nearest(vectors, landmarks)
            files.add(places, filed, short(vectors))
            tell("grouping", int(places[-1]) + 1, count)
    for cell in files.cells():
        yield from divided(cell)


def nearest(vectors: Vectors, landmarks: Vectors) -> Ids:
    """For each vector the numbers of the nearest landmarks, nearest first."""
    filed = np.empty((len(vectors), min(_LANDMARKS, len(landmarks))), dtype=np.int64)
    for start in range(0, len(vectors), _BLOCK):
        nearness = vectors[start : start + _BLOCK] @ landmarks.T
        for column in range(filed.shape[1]):
            # Taking the maximum twice is a hundred times as fast as a partial sort.
            best = nearness.argmax(axis=1)
            filed[start : start + len(best), column] = best
            nearness[np.arange(len(best)), best] = -np.inf
    return filed


def distinct(landmarks: Vectors) -> Vectors:
    """Keep one of similar landmarks: otherwise rounding would decide which one is nearest to a photo."""
    alike = np.tril(landmarks @ landmarks.T >= THRESHOLD, -1)
    return landmarks[~alike.any(axis=1)]


def divided(cell: Cell) -> Iterator[Cell]:
    """The cell, or if it is large, smaller ones around landmarks of its own; of many copies, just some together."""
    if len(cell) <= WINDOW:
        yield cell
        return
    chosen = np.arange(0, len(cell), int(len(cell) ** 0.5 / 2))
    landmarks = distinct(cell.among(chosen).short())
    filed = np.concatenate(
        [
            nearest(cell.among(np.arange(start, min(start + _BLOCK, len(cell)))).short(), landmarks)
            for start in range(0, len(cell), _BLOCK)
        ]
    )
    order = np.argsort(filed, axis=None, kind="stable") // filed.shape[1]
    ends = np.cumsum(np.bincount(filed.ravel(), minlength=len(landmarks)))
    for members in np.split(order, ends[:-1]):
        for start in range(0, len(members), WINDOW):
            yield cell.among(members[start : start + WINDOW])


class _Files:
    """Short vectors, with place and cell, in as many pairs of files as it takes to sort one of them in memory."""

    def __init__(self, room: Room, count: int, columns: int, stack: ExitStack) -> None:
        size = _LANDMARKS * count * (2 * columns + np.dtype(np.uint64).itemsize)
        self._of = min(_MOST_FILES, 1 + size // room.memory)
        self._paths = [(room.path(), room.path()) for _ in range(self._of)]
        self._open = [
            (stack.enter_context(rows.open("wb")), stack.enter_context(members.open("wb")))
            for rows, members in self._paths
        ]
        self._columns = 0

    def add(self, places: Ids, filed: Ids, short: Half) -> None:
        self._columns = short.shape[1]
        numbers = np.repeat(np.arange(len(places)), filed.shape[1])
        members = (filed.ravel().astype(np.uint64) << np.uint64(32)) | places[numbers].astype(np.uint64)
        for number, (rows_file, members_file) in enumerate(self._open):
            here = np.flatnonzero(filed.ravel() % self._of == number)
            rows_file.write(short[numbers[here]].data)
            members_file.write(members[here].data)

    def cells(self) -> Iterator[Cell]:
        for rows_path, members_path in self._paths:
            members = np.fromfile(members_path, dtype=np.uint64)
            if len(members):
                rows = np.memmap(rows_path, dtype=np.float16, mode="r", shape=(len(members), self._columns))
                yield from _sorted(members, rows)
            rows_path.unlink()
            members_path.unlink()


def _sorted(members: NDArray[np.uint64], rows: Half) -> Iterator[Cell]:
    order = np.argsort(members)
    members = members[order]
    filed = members >> np.uint64(32)
    starts = np.concatenate([[0], np.flatnonzero(filed[1:] != filed[:-1]) + 1, [len(members)]])
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        places = (members[start:end] & np.uint64(0xFFFFFFFF)).astype(np.int64)
        yield Cell(places, rows, order[start:end])
