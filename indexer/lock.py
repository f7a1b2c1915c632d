"""One writer at a time. The kernel holds the lock, so a killed run never leaves it behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from indexer.errors import IndexBusy

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
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().removeprefix(MARK).strip(" :") or "another process"
            raise IndexBusy(f"{index}: {holder} is indexing here; wait until it is done") from None
        _write(file, f"{MARK}: process {os.getpid()} (since {time.strftime('%H:%M:%S')})")
        yield
        _write(file, MARK)


def _write(file: TextIO, text: str) -> None:
    """Over the old text, never through an empty file: a run that dies in here must leave the mark."""
    os.pwrite(file.fileno(), text.encode(), 0)
    os.ftruncate(file.fileno(), len(text.encode()))
