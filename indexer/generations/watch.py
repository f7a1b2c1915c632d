"""Files that a reader goes on reading: one that is changed in place, or cut short, is noticed and not believed.

SQLite answers wrongly out of a file that somebody cut, and a process that has one mapped dies of it. The files are
held open, so that those that are read are looked at, and not what has come to bear their names.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from indexer.errors import BrokenGeneration


class Watch:
    """Begin it before the files are checked, so that nothing changes unseen in between."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._held: list[tuple[Path, int, tuple[int, int]]] = []
        for path in files:
            try:
                held = os.open(path, os.O_RDONLY)
            except OSError:
                # Whoever checks it says what is wrong with it.
                continue
            self._held.append((path, held, _look(held)))

    def check(self) -> None:
        """Before each use, for a microsecond: raises where a file has another size than it had."""
        for path, held, (size, _) in self._held:
            if _look(held)[0] != size:
                raise BrokenGeneration(
                    f"{path}: cut or grown since it was opened; run sketchseek index again"
                )

    def touched(self) -> bool:
        """Whether somebody wrote into a file, so that it should be checked again."""
        return any(_look(held) != before for _, held, before in self._held)

    def __del__(self) -> None:
        # With the last search in what it watches; nobody else knows which that is.
        while self._held:
            os.close(self._held.pop()[1])


def _look(held: int) -> tuple[int, int]:
    """Size, and when it was written to; of a drive that does not answer, neither."""
    try:
        found = os.fstat(held)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns
