"""Durable writes, and opening files safely where others can change them."""

import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# The file may have been replaced: opening a pipe must not block, and a terminal must not take control.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY


def sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All regular files below a folder; what others remove meanwhile is passed over."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                described = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(described.st_mode):
                yield path, described


def open_plain(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file; raises OSError for anything else, because opening a pipe would block forever."""
    return _plain(os.open(path, _FILE & ~os.O_NOFOLLOW if follow else _FILE), path)


def read_plain(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read()


def open_below(root: Path, relative: str) -> BinaryIO:
    """Open a regular file below a folder without following links; raises OSError for anything else.

    Each component is opened relative to the one before, so a name cannot be swapped between check and open.
    The path of the folder itself may contain links.
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
