"""Files that can be made or sent again, kept within a number of bytes: the least recently used are dropped first."""

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from indexer.disk import files_below

# How full it is after dropping: the folders are scanned only once in a while.
_ROOM = 0.9
# How often a long-running service looks for files that are too old.
_LOOK_SECONDS = 3600.0


class Cache:
    """Folders of such files. Thread-safe; other processes may use the same folders."""

    def __init__(self, folders: Sequence[Path], most: int, seconds: float | None = None) -> None:
        """`most` bytes in all; a file that nobody used for so many `seconds` is dropped, too."""
        self._folders = folders
        self._most = most
        self._seconds = seconds
        self._kept: int | None = None
        self._looked = 0.0
        self._lock = threading.Lock()

    def used(self, path: Path) -> None:
        """Note that a file was used just now."""
        with contextlib.suppress(OSError):
            os.utime(path)

    def make_room(self, wanted: int) -> bool:
        """Whether `wanted` bytes may be stored. The folders are scanned only if they are full, or now and then."""
        if wanted > self._most:
            return False
        with self._lock:
            now = time.time()
            late = self._seconds is not None and abs(now - self._looked) > _LOOK_SECONDS
            if self._kept is None or self._kept + wanted > self._most or late:
                self._kept, self._looked = self._drop_oldest(wanted, now), now
            self._kept += wanted
        return True

    def expired(self, modified: float) -> bool:
        """Whether a file that was used last at that time is too old."""
        return self._seconds is not None and modified < time.time() - self._seconds

    def _drop_oldest(self, wanted: int, now: float) -> int:
        """Delete the oldest and return the bytes left. Others may do the same; missing files are fine."""
        found = [
            (described.st_mtime, described.st_size, path)
            for folder in self._folders
            for path, described in files_below(folder)
        ]
        kept = sum(size for _, size, _ in found)
        full = kept + wanted > self._most
        for modified, size, path in sorted(found):
            if not self.expired(modified) and not (full and kept + wanted > _ROOM * self._most):
                break
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                kept -= size
        return kept
