"""Fewer rounds of garbage collection during a run, whose lists of files and photos are long and have no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Python's own 700 has it look at a hundred thousand files again and again while they are listed.
_OBJECTS = 50_000


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let more objects be made before Python looks for cycles."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
