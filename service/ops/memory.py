"""What large pictures take goes back to the system as soon as they are done, and does not stay with the process.

glibc learns to keep ever larger pieces, in a heap for each thread, where small ones left between them hold them for
good: after minutes of mixed load a service held half as much again.
"""

import contextlib
import ctypes

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
# Drawings and what is made of them are smaller, and faster out of a heap; photos are larger.
_LARGE = 4 * 2**20
_HEAPS = 2


def give_back() -> None:
    """Before any thread is started; where there is no glibc, nothing is done."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _HEAPS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
