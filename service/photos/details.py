"""What the file of a photo says about it, read when somebody asks."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from indexer import Photo
from indexer.decoding.metadata import Metadata
from indexer.decoding.settings import CameraSettings, described_in
from model import PHOTO_CAPS
from service.photos import files


@dataclass(frozen=True)
class Described:
    """The file as it is now. `metadata` is None if it is no longer the file that was indexed."""

    bytes: int
    modified: str | None
    metadata: Metadata | None
    settings: CameraSettings


def describe(photo: Photo) -> Described:
    """Read a photo's file; it blocks, and holds the file in memory."""
    original = files.open_original(photo)
    with original.file as file:
        size, modified = original.found.st_size, _time(original.found.st_mtime)
        try:
            data = file.read(PHOTO_CAPS.max_bytes) if size <= PHOTO_CAPS.max_bytes else b""
        except OSError:
            raise files.unreadable() from None
    # As with thumbnails, parse only what the indexer's own processes have parsed before.
    if hashlib.blake2b(data, digest_size=16).hexdigest() != photo.content:
        return Described(size, modified, None, CameraSettings())
    return Described(size, modified, *described_in(data))


def _time(seconds: float) -> str | None:
    """A time in UTC; None for those of some file systems that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
