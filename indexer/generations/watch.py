"""Detect changes in place to files that a reader keeps using, including truncation.

SQLite gives wrong answers from a truncated file, and a process that has mapped one crashes. The files are kept open, so
that these very files are checked, not new ones with the same names.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from indexer.errors import BrokenGeneration


class Watch:
    """Create it before verifying the files, so that no change goes unnoticed in between."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._held: list[tuple[Path, int, tuple[int, int]]] = []
        for path in files:
            try:
                held = os.open(path, os.O_RDONLY)
            except OSError:
                # Verification reports the problem.
                continue
            self._held.append((path, held, _look(held)))

    def check(self) -> None:
        """Raise if the size of a file changed. Takes a microsecond; call it before each use."""
        for path, held, (size, _) in self._held:
            if _look(held)[0] != size:
                raise BrokenGeneration(
                    f"{path}: its size changed while it was open; run sketchseek index again"
                )

    def touched(self) -> bool:
        """Whether a file was written to, so that it should be verified again."""
        return any(_look(held) != before for _, held, before in self._held)

    def __del__(self) -> None:
        # When the last search that uses the files ends.
        while self._held:
            os.close(self._held.pop()[1])


def _look(held: int) -> tuple[int, int]:
    """Size and time of last write, or (-1, -1) if the drive does not respond."""
    try:
        found = os.fstat(held)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns
