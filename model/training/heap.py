"""Keep the memory of large tensors for the next step, which wants as much again.

By default, glibc returns large blocks to the system as soon as they are freed, and faults them in again: a step of a
training took an eighth longer, frozen stages two thirds.
"""

from model.malloc import Option, tune

# Larger than any tensor of a step.
_LARGE = 2**30


def keep() -> None:
    """Do so from now on."""
    tune({Option.MMAP_THRESHOLD: _LARGE, Option.TRIM_THRESHOLD: 2**31 - 1})
