"""Putting things on disk so that they stay there, and opening files of others so that nothing is slipped in."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# What became a pipe in the meantime must not hold anybody, nor a terminal take over.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY


def sync(path: Path) -> None:
    """Asks the kernel to put a file's bytes, or a folder's names, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_plain(path: Path, *, follow: bool = True) -> BufferedReader:
    """A regular file; raises OSError for whatever else is there: a pipe would hold whoever opens it, for good."""
    return _plain(os.open(path, _FILE & ~os.O_NOFOLLOW if follow else _FILE), path)


def read_plain(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read()


def open_below(root: Path, relative: str) -> BinaryIO:
    """A regular file below a folder, opened without following any link; raises OSError for whatever else is there.

    Each step is opened below the one before: a name that is checked first and opened later could have become
    something else in between. The folder itself may be reached by links.
    """
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts:
        raise FileNotFoundError(errno.ENOENT, "not below the folder", str(path))
    *folders, name = path.parts
    below = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            outer, below = below, os.open(folder, _FOLDER, dir_fd=below)
            os.close(outer)
        number = os.open(name, _FILE, dir_fd=below)
    finally:
        os.close(below)
    return _plain(number, root / relative)


def _plain(number: int, path: Path) -> BufferedReader:
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.ENXIO, "not a regular file", str(path))
    return open(number, "rb")
