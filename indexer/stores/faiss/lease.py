"""A lease on a memory-mapped file: other processes that want to write to it or truncate it wait until it is released.

Reading a truncated part of a mapping kills the process. Linux notifies the holder of a lease when another process wants
to write, and makes that one wait up to 45 seconds for the release: enough to read the file into memory. Where leases
are not available (files of other users, network drives), only the size is checked.
"""

import contextlib
import fcntl
import os
import signal
from pathlib import Path
from typing import Self

# The kernel also sends a signal when a writer waits. It is not needed; SIGURG is ignored by default.
_IGNORED = signal.SIGURG
_F_SETSIG = 10


class Lease:
    """Released when the last reader of the file is garbage-collected."""

    def __init__(self, number: int) -> None:
        self._number = number

    @classmethod
    def take(cls, path: Path) -> Self | None:
        if not hasattr(fcntl, "F_SETLEASE"):
            return None
        try:
            number = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.fcntl(number, _F_SETSIG, _IGNORED)
            fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            os.close(number)
            return None
        return cls(number)

    @property
    def wanted(self) -> bool:
        """Whether another process waits to write to the file."""
        try:
            return fcntl.fcntl(self._number, fcntl.F_GETLEASE) == fcntl.F_UNLCK
        except OSError:
            return False

    def __del__(self) -> None:
        # Closing alone would leave the lease with any child process forked meanwhile.
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._number, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(self._number)
