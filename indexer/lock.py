"""One writer at a time. The kernel holds the lock, so a killed run never leaves it behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from indexer.errors import IndexBusy, NoIndex

# Whatever stands behind it, a LOCK that begins so marks a folder as an index of ours.
MARK = "sketchseek index"


def is_ours(folder: Path) -> bool:
    """Whether an index may be written here: the folder is empty, or an earlier run has marked it."""
    names = {path.name for path in folder.iterdir()}
    if names <= {"LOCK"}:
        return True
    try:
        with (folder / "LOCK").open(encoding="utf-8", errors="replace") as file:
            return file.read(len(MARK)) == MARK
    except OSError:
        return False


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Holds the index for writing; says who does if somebody else is at it."""
    path = index / "LOCK"
    path.touch()
    with path.open("r+", encoding="utf-8") as file:
        _lock(index, file, fcntl.LOCK_EX)
        _write(file, f"{MARK}: process {os.getpid()} (since {time.strftime('%H:%M:%S')})")
        yield
        _write(file, MARK)


@contextmanager
def reading(index: Path) -> Iterator[None]:
    """Keeps runs out while something is read that they might change; nothing is written, not even here."""
    try:
        file = (index / "LOCK").open(encoding="utf-8")
    except OSError as error:
        raise NoIndex(f"{index}: no index of ours ({error.strerror}: LOCK); give the folder of one") from None
    with file:
        _lock(index, file, fcntl.LOCK_SH)
        yield


def _lock(index: Path, file: TextIO, how: int) -> None:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read().removeprefix(MARK).strip(" :") or "another process"
        raise IndexBusy(f"{index}: {holder} is indexing here; wait until it is done") from None


def _write(file: TextIO, text: str) -> None:
    """Over the old text, never through an empty file: a run that dies in here must leave the mark."""
    os.pwrite(file.fileno(), text.encode(), 0)
    os.ftruncate(file.fileno(), len(text.encode()))
