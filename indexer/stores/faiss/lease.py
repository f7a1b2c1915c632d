"""A lease on a file that is mapped: whoever wants to write into it, or cut it, waits until we have let go.

A process that reads what was cut from under it is killed. Linux tells the holder of a lease that somebody wants to
write, and keeps that somebody waiting for 45 seconds unless the lease is given back before: time to read the file into
memory. Where there are no leases (the file is another user's, a network drive), a look at the size has to do.
"""

import contextlib
import fcntl
import os
import signal
from pathlib import Path
from typing import Self

# That a writer waits is told by a signal, too. Nobody needs it, and this one is ignored where nobody listens.
_UNHEARD = signal.SIGURG
_F_SETSIG = 10


class Lease:
    """Given back when the last one who reads the file lets go of it."""

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
            fcntl.fcntl(number, _F_SETSIG, _UNHEARD)
            fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            os.close(number)
            return None
        return cls(number)

    @property
    def wanted(self) -> bool:
        """Whether somebody waits to write into the file."""
        try:
            return fcntl.fcntl(self._number, fcntl.F_GETLEASE) == fcntl.F_UNLCK
        except OSError:
            return False

    def __del__(self) -> None:
        # Closing alone would leave it to a child process that was forked meanwhile.
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._number, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(self._number)
