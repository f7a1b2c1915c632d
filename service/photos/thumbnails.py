"""Thumbnails of all sizes that every browser can show: stored ones, and ones made on demand.

Small ones come with the index. Medium and large ones are cached in the index folder, never next to the photos; the
least recently viewed are dropped first. If they cannot be stored, as on a read-only disk, they are still sent.
"""

import logging
from functools import partial
from pathlib import Path

from indexer import Photo, make_thumbnail, thumbnail_path, write_thumbnail
from indexer.decoding.budget import Budget
from indexer.decoding.thumbnails import (
    LONGEST,
    ON_DEMAND,
    OUTDATED,
    Size,
    kept_as,
    read_thumbnail,
    stored_bytes,
)
from model import PHOTO_CAPS, BadImage, decode
from model.pictures.claims import claimed_bytes
from service.photos import files
from service.photos.cache import Cache
from service.photos.making import Maker
from service.problems import ServiceError

log = logging.getLogger("sketchseek")

# Most bytes for decoding, over all threads: two photos of a good camera; a larger one is decoded alone.
_MEMORY = 512 * 2**20


class Thumbnails:
    """Thread-safe, but for `made`. Methods without `async` block."""

    def __init__(self, folder: Path, large_bytes: int, maker: Maker) -> None:
        self._folder = folder
        kept = [folder / name for name in (*ON_DEMAND.values(), OUTDATED)]
        self._cache = Cache(kept, large_bytes)
        self._maker = maker
        self._memory = Budget(_MEMORY)

    def stored(self, photo: Photo, size: Size) -> bytes | None:
        """The stored thumbnail, if it exists and is intact."""
        size = kept_as(size, photo.width, photo.height)
        path = thumbnail_path(self._folder, photo.content, size)
        data = read_thumbnail(path)
        if data and size in ON_DEMAND:
            self._cache.used(path)
        return data

    async def made(self, photo: Photo, size: Size) -> bytes:
        """Make the thumbnail, only from the content that was indexed, because browsers cache it forever."""
        size = kept_as(size, photo.width, photo.height)
        return await self._maker.once((photo, size), partial(self._make, photo, size))

    def _make(self, photo: Photo, size: Size) -> bytes:
        # Another request may have made it while this one waited.
        if data := self.stored(photo, size):
            return data
        # Much quicker than the original, and there even if the original is not.
        larger = self.stored(photo, "large") if size == "medium" else None
        original = larger or files.read_indexed(photo)
        try:
            with self._memory.share(claimed_bytes(original)):
                image = decode(original, caps=PHOTO_CAPS, shortest=_shortest(photo, size)).image
                data = make_thumbnail(image, size)
        except BadImage as error:
            log.warning("cannot make a thumbnail of photo %s: %s", photo.public_id, error)
            raise _unshowable() from None
        if size not in ON_DEMAND or self._cache.make_room(stored_bytes(data)):
            try:
                write_thumbnail(self._folder, photo.content, data, size)
            except OSError as error:
                log.warning("cannot write thumbnails to the index folder: %s", error.strerror)
        return data


def _shortest(photo: Photo, size: Size) -> int:
    """The `shortest` for decoding at that size: `decode` keeps twice this on the shorter side."""
    short, long = sorted((photo.width, photo.height))
    return LONGEST[size] * short // (2 * long) + 1


def _unshowable() -> ServiceError:
    detail = "cannot make a thumbnail of this photo; open the original instead"
    return ServiceError("photo_unshowable", detail)
