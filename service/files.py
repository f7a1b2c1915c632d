"""The photos' own files, and thumbnails that got lost: reached only after proving that they are what was indexed."""

import hashlib
import os
import stat
from pathlib import Path

from indexer import Photo, has_thumbnail, make_thumbnail, thumbnail_path, write_thumbnail
from model import PHOTO_CAPS, BadImage, decode


class PhotoGone(Exception):
    """The photo was deleted, moved or replaced since it was indexed."""


def original(photo: Photo) -> Path:
    """The file, if it is still an ordinary one below the folder that it was indexed from."""
    try:
        root = Path(photo.root).resolve(strict=True)
        path = photo.path.resolve(strict=True)
    except OSError:
        raise PhotoGone from None
    # Since it was indexed, the file or a folder above it may have become a link to somewhere else.
    if not path.is_file() or not path.is_relative_to(root):
        raise PhotoGone
    return path


def remake_thumbnail(folder: Path, photo: Photo) -> Path:
    """The thumbnail of a photo that lost it; of that very content, for browsers keep it for good."""
    if has_thumbnail(folder, photo.content):
        return thumbnail_path(folder, photo.content)
    data = _read(original(photo))
    if hashlib.blake2b(data, digest_size=16).hexdigest() != photo.content:
        raise PhotoGone
    try:
        image = decode(data, caps=PHOTO_CAPS, shortest=224).image
    except BadImage:
        raise PhotoGone from None
    return write_thumbnail(folder, photo.content, make_thumbnail(image))


def _read(path: Path) -> bytes:
    """What became a pipe, a device or a link in the meantime must not hold a thread, or be read at all."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_size > PHOTO_CAPS.max_bytes:
                raise PhotoGone
            return file.read()
    except OSError:
        raise PhotoGone from None
