"""The folder of a run: refused before any work if it cannot be written to, and held by one process at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from model.training.state import RunProblem

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other processes out; the kernel lets go of it when this one ends, however it does.

    The lock is on the folder itself, so that no file of it lies about.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            number = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise RunProblem(
            f"{folder}: cannot be written to ({error.strerror}): give --out a folder that can"
        ) from None
    try:
        _lock(number, folder)
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise RunProblem(
            f"{error.filename or folder}: {error.strerror}; what was saved is kept: make room and run the same command "
            "again"
        ) from error
    finally:
        # Closing is not enough while a process that was forked meanwhile has it open, too.
        fcntl.flock(number, fcntl.LOCK_UN)
        os.close(number)


def _lock(number: int, folder: Path) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunProblem(
            f"{folder}: another process is at work there: wait until it ends, or give --out another folder"
        ) from None
    except OSError:
        # A file system without locks: it is up to the user.
        return
