"""The photos' own files: opened only where they still lie below the folder that they were indexed from."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from indexer import Photo
from model import raw
from model.sniff import picture_format
from service.errors import ServiceError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# What became a pipe in the meantime must not hold a thread.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ESTALE}
_HEAD = 256
# Told by the bytes, as half of all .heic files are really JPEG; what no browser shows is for saving.
_SHOWN: dict[str | None, str] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
_SHOWN |= {"GIF": "image/gif", "BMP": "image/bmp"}
_TYPES = {**_SHOWN, "HEIF": "image/heic", "TIFF": "image/tiff"}


@dataclass(frozen=True)
class Original:
    """An open photo. Whoever opens it closes `file`."""

    file: BinaryIO
    found: os.stat_result
    media_type: str
    inline: bool


def open_original(photo: Photo) -> Original:
    """The file as it is now, which may be another than was indexed.

    Each step of its path is opened below the one before, and none may be a link: a name that is checked first and
    opened later could have become something else in between. The photo folder itself may be reached by links.
    """
    try:
        file = _open(photo)
    except OSError as error:
        raise gone() if error.errno in _GONE else unreadable() from None
    try:
        found = os.fstat(file.fileno())
        # A folder can be opened, but not read from.
        kind = picture_format(os.pread(file.fileno(), _HEAD, 0)) if stat.S_ISREG(found.st_mode) else None
    except OSError:
        file.close()
        raise unreadable() from None
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise gone()
    if PurePosixPath(photo.relative).suffix.lower() in raw.SUFFIXES:
        kind = None
    return Original(file, found, _TYPES.get(kind, "application/octet-stream"), inline=kind in _SHOWN)


def gone() -> ServiceError:
    detail = "this photo was deleted, moved or replaced since it was indexed; run sketchseek index again"
    return ServiceError(410, "photo_gone", detail)


def changed() -> ServiceError:
    detail = "this photo's file was changed since it was indexed; run sketchseek index again"
    return ServiceError(410, "photo_changed", detail)


def unreadable() -> ServiceError:
    """Not gone: a drive that does not answer, permissions, or too many open files."""
    detail = "this photo cannot be read now; see to its drive and its permissions, or ask again in a moment"
    return ServiceError(503, "photo_unreadable", detail, {"retry-after": "5"})


def _open(photo: Photo) -> BinaryIO:
    *folders, name = PurePosixPath(photo.relative).parts
    if ".." in folders:
        raise gone()
    below = os.open(photo.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            outer, below = below, os.open(folder, _FOLDER, dir_fd=below)
            os.close(outer)
        return open(os.open(name, _FILE, dir_fd=below), "rb")  # noqa: PTH123 - a descriptor, not a path
    finally:
        os.close(below)
