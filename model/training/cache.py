"""Prepared views in one file of bounded size, of which all but each record's first are replaced turn by turn.

A record has `slots` places. Its first holds the picture itself and stays; the others hold the variations of a turn,
which the next turn overwrites. A killed call goes on where it was, and a file that is finished is used as it is.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from model.data.datasets import DataProblem
from model.training.prefetch import ahead

Halves = NDArray[np.float16]
# The record's row and the number of the view.
Wanted = tuple[int, int]
Make = Callable[[Sequence[Wanted]], NDArray[np.float32]]
Say = Callable[[int, int], None]
# Larger batches are slower on a CPU: their tensors are returned to the system and faulted in again each time.
CHUNK = 8
# After so many views, those in the file are safe from a kill.
_SYNCED = 1024
# A full disk stops more than this run.
_SPARE = 2**28
# What comes of opening a file that is not there, or was cut.
_DAMAGED = (OSError, ValueError, EOFError)


@dataclass(frozen=True)
class Layout:
    """`signature` says of what the views are, and how they are made."""

    signature: str
    records: int
    slots: int

    def number(self, slot: int, turn: int) -> int:
        """The number of the view in a slot: no two turns share one, except the picture itself."""
        return slot and turn * (self.slots - 1) + slot

    def places(self, *, whole: bool) -> list[int]:
        """Where a turn writes."""
        every = range(self.records * self.slots)
        return [place for place in every if whole or place % self.slots]


class ViewFile:
    """The file, and which turn it holds."""

    def __init__(self, file: Path, layout: Layout, make: Make) -> None:
        self.file, self.layout, self._make = file, layout, make
        self._done, self._progress = file.with_suffix(".done"), file.with_suffix(".part")
        self._turn = -1
        self.values: Halves = np.empty(0, dtype=np.float16)

    def open(self, said: Say | None = None) -> None:
        """Use the file as it is, whatever turn it holds, or make the first."""
        self.turn_to(self._held() or 0, said)

    def turn_to(self, turn: int, said: Say | None = None) -> None:
        """Make the views of this turn, if the file has others."""
        if turn == self._turn:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        held = self._held()
        if held != turn:
            if held is not None:
                # From here on the file has all pictures themselves, whatever it has besides.
                self._mark(turn, 0, whole=False)
            self._done.unlink(missing_ok=True)
            self._fill(turn, said)
            self._done.write_text(self._seal(turn))
            self._progress.unlink(missing_ok=True)
        self._turn = turn
        self.values = np.load(self.file, mmap_mode="r")

    def _seal(self, turn: int) -> str:
        return f"{self.layout.signature} {turn}" if turn else self.layout.signature

    def _held(self) -> int | None:
        """The turn that the file holds; None if it is not finished, or of something else."""
        try:
            signature, _, turn = self._done.read_text().partition(" ")
            # A file that was cut cannot be opened.
            np.load(self.file, mmap_mode="r")
            return int(turn or 0) if signature == self.layout.signature else None
        except _DAMAGED:
            return None

    def _fill(self, turn: int, said: Say | None) -> None:
        first, whole, table = self._begun(turn)
        places = self.layout.places(whole=whole)

        def made(wanted: Sequence[int]) -> NDArray[np.float32]:
            views = [divmod(place, self.layout.slots) for place in wanted]
            return self._make([(row, self.layout.number(slot, turn)) for row, slot in views])

        for wanted, values in ahead(made, _parts(places, first)):
            if table is None:
                table = self._new(values.shape[1:])
            table[wanted] = values
            first += len(wanted)
            if isinstance(table, np.memmap) and (first % _SYNCED < CHUNK or first == len(places)):
                table.flush()
                self._mark(turn, first, whole=whole)
            if said is not None:
                said(first, len(places))

    def _new(self, shape: Sequence[int]) -> Halves:
        whole = (self.layout.records * self.layout.slots, *shape)
        self.file.unlink(missing_ok=True)
        needed, free = 2 * int(np.prod(whole, dtype=np.int64)), shutil.disk_usage(self.file.parent).free
        if needed + _SPARE > free:
            raise DataProblem(
                f"{self.file}: the prepared pictures take {needed / 1e9:.1f} GB, and the disk has {free / 1e9:.1f} GB "
                f"left, of which {_SPARE / 1e9:.1f} GB shall stay free: give a folder on another "
                "disk, or a recipe with fewer `views`"
            )
        return open_memmap(self.file, mode="w+", dtype=np.float16, shape=whole)

    def _mark(self, turn: int, count: int, *, whole: bool) -> None:
        self._progress.write_text(f"{self.layout.signature} {turn} {int(whole)} {count}")

    def _begun(self, turn: int) -> tuple[int, bool, Halves | None]:
        """How many views of this turn a killed call left, whether of all places, and the file if it is of use."""
        try:
            signature, *rest = self._progress.read_text().split()
            before, whole, count = map(int, rest)
            # Opened for writing, a file that was cut would be lengthened without a word.
            np.load(self.file, mmap_mode="r")
            table = np.load(self.file, mmap_mode="r+")
        except _DAMAGED:
            return 0, True, None
        if signature != self.layout.signature or (whole and before != turn):
            return 0, True, None
        return count if before == turn else 0, bool(whole), table


def _parts(places: Sequence[int], first: int) -> Iterator[list[int]]:
    for start in range(first, len(places), CHUNK):
        yield list(places[start : start + CHUNK])
