"""The original photo files, opened only below the folder they were indexed from."""

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from indexer import Photo
from indexer.disk import open_below
from model import PHOTO_CAPS
from model.pictures import raw
from model.pictures.sniff import picture_format
from service.problems import ServiceError

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ESTALE}
_HEAD = 256
# By content, because half of all .heic files are really JPEG. Formats that browsers cannot show are downloads.
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
    """An open photo; the caller closes `file`."""

    file: BinaryIO
    found: os.stat_result
    media_type: str
    inline: bool


def open_original(photo: Photo) -> Original:
    """Open the file as it is now, which may differ from what was indexed."""
    try:
        file = open_below(Path(photo.root), photo.relative)
    except OSError as error:
        raise gone() if error.errno in _GONE else unreadable() from None
    try:
        found = os.fstat(file.fileno())
        kind = picture_format(os.pread(file.fileno(), _HEAD, 0))
    except OSError:
        file.close()
        raise unreadable() from None
    if PurePosixPath(photo.relative).suffix.lower() in raw.SUFFIXES:
        kind = None
    return Original(file, found, _TYPES.get(kind, "application/octet-stream"), inline=kind in _SHOWN)


def read_indexed(photo: Photo) -> bytes:
    """The photo's file, if it still has what was indexed: the indexer's own processes have decoded that before."""
    data = _read(photo)
    if hashlib.blake2b(data, digest_size=16).hexdigest() != photo.content:
        raise changed()
    return data


def _read(photo: Photo) -> bytes:
    original = open_original(photo)
    with original.file as file:
        if original.found.st_size > PHOTO_CAPS.max_bytes:
            raise changed()
        try:
            return file.read(PHOTO_CAPS.max_bytes + 1)
        except OSError:
            raise unreadable() from None


def gone() -> ServiceError:
    detail = "this photo was deleted, moved, or replaced after it was indexed; run sketchseek index again"
    return ServiceError("photo_gone", detail)


def changed() -> ServiceError:
    detail = "this photo changed after it was indexed; run sketchseek index again"
    return ServiceError("photo_changed", detail)


def unreadable() -> ServiceError:
    """The file exists but cannot be read: the drive does not respond, permissions, or too many open files."""
    detail = "this photo cannot be read; check its drive and permissions, or try again in a moment"
    return ServiceError("photo_unreadable", detail, {"retry-after": "5"})
