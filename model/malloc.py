"""glibc's malloc: what it gives back to the system, and when."""

import contextlib
import ctypes
from collections.abc import Mapping
from enum import IntEnum


class Option(IntEnum):
    """Numbers of mallopt(3)."""

    TRIM_THRESHOLD = -1
    MMAP_THRESHOLD = -3
    ARENA_MAX = -8


def tune(options: Mapping[Option, int]) -> None:
    """Set these; does nothing without glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in options.items():
            mallopt(int(option), value)
