"""Return the memory of large pictures to the system as soon as they are freed.

By default, glibc raises its mmap threshold and keeps large blocks in per-thread heaps, where small allocations between
them pin them forever: after minutes of mixed load the service held half as much memory again.
"""

import contextlib
import ctypes

from model.malloc import Option, tune

# Drawings and what is computed from them are smaller, and faster from a heap; photos are larger.
_LARGE = 4 * 2**20
_HEAPS = 2


def give_back() -> None:
    """Configure malloc. Call it before starting threads; does nothing without glibc."""
    tune({Option.ARENA_MAX: _HEAPS, Option.MMAP_THRESHOLD: _LARGE})


class Quiet:
    """After a storm of searches, returns what is free within the heaps: only their ends go back by themselves."""

    def __init__(self) -> None:
        self._seen = 0.0
        self._owed = False

    def look(self, done: float) -> bool:
        """Call it now and then with how many searches were done; returns whether it gave memory back."""
        quiet, self._seen = done == self._seen, done
        due, self._owed = quiet and self._owed, not quiet
        if due:
            with contextlib.suppress(OSError, AttributeError, TypeError):
                ctypes.CDLL(None).malloc_trim(0)
        return due
