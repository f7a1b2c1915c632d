"""Permissions that count although root runs the tests: a thread, and what it starts, give up passing over them.

Root stays root, so that everything of the test is still its own; only two capabilities go, and come back afterwards.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522
_OVERRIDE = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_GET_SECUREBITS, _SET_SECUREBITS = 27, 28
# Without it, every program that root starts would have all capabilities again.
_NO_ROOT = 1


@contextmanager
def unprivileged() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("nothing is forbidden to root here")
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("Ii", _VERSION, 0)
    before = ctypes.create_string_buffer(24)
    _check(libc.capget(header, before))
    bits = libc.prctl(_GET_SECUREBITS)
    # Twice effective, permitted, inheritable: the lower halves, then the higher.
    effective, *others = struct.unpack("6I", before.raw)
    _check(libc.prctl(_SET_SECUREBITS, bits | _NO_ROOT))
    _check(libc.capset(header, struct.pack("6I", effective & ~_OVERRIDE, *others)))
    try:
        yield
    finally:
        _check(libc.capset(header, before.raw))
        _check(libc.prctl(_SET_SECUREBITS, bits))


def _check(result: int) -> None:
    if result < 0:
        pytest.skip(f"root may not give up its powers here ({os.strerror(ctypes.get_errno())})")
