"""Small and large pictures of photos, as any browser shows them: stored ones, and those that are made when asked for.

The small ones come with the index. Large ones are kept in the index folder too, never beside the photos, and the ones
that nobody looked at for longest make room. What cannot be kept, as on a read-only disk, is sent all the same.
"""

import contextlib
import hashlib
import logging
import os
import threading
from pathlib import Path

import anyio
import anyio.to_thread

from indexer import Photo, make_thumbnail, thumbnail_path, write_thumbnail
from indexer.decoding.budget import Budget
from indexer.decoding.thumbnails import LARGE, LONGEST, Size, read_thumbnail, stored_bytes
from model import PHOTO_CAPS, BadImage, decode
from model.pictures.claims import claimed_bytes
from service.photos import files
from service.problems import ServiceError

log = logging.getLogger("sketchseek")

# Bytes that decoding takes at a time, all threads together: two photos of a good camera; a larger one goes alone.
_MEMORY = 512 * 2**20
_ROOM = 0.9


class Thumbnails:
    """Methods without `async` block, and may be called from several threads at once."""

    def __init__(self, folder: Path, large_bytes: int) -> None:
        self._folder = folder
        self._most = large_bytes
        self._kept: int | None = None
        self._lock = threading.Lock()
        # Searches come first: a page of lost thumbnails must not take all cores from them.
        self._making = anyio.CapacityLimiter(max(1, (os.cpu_count() or 1) // 2))
        self._memory = Budget(_MEMORY)

    def stored(self, photo: Photo, size: Size) -> bytes | None:
        """The picture, if it is there and as it was written."""
        path = thumbnail_path(self._folder, photo.content, size)
        data = read_thumbnail(path)
        if data and size == LARGE:
            with contextlib.suppress(OSError):
                os.utime(path)  # looked at just now
        return data

    async def made(self, photo: Photo, size: Size) -> bytes:
        """The picture, made of the very content that was indexed, for browsers keep it for good."""
        return await anyio.to_thread.run_sync(self._make, photo, size, limiter=self._making)

    def _make(self, photo: Photo, size: Size) -> bytes:
        # Somebody else may have asked for the same while we waited.
        if data := self.stored(photo, size):
            return data
        # Only what the indexer's own processes could decode before is ever decoded here.
        original = _read(photo)
        if hashlib.blake2b(original, digest_size=16).hexdigest() != photo.content:
            raise files.changed()
        try:
            with self._memory.share(claimed_bytes(original)):
                image = decode(original, caps=PHOTO_CAPS, shortest=_shortest(photo, size)).image
                data = make_thumbnail(image, size)
        except BadImage as error:
            log.warning("no picture can be made of photo %s: %s", photo.public_id, error)
            raise _unshowable() from None
        if size != LARGE or self._make_room(stored_bytes(data)):
            try:
                write_thumbnail(self._folder, photo.content, data, size)
            except OSError as error:
                log.warning("the index folder takes no thumbnails: %s", error.strerror)
        return data

    def _make_room(self, wanted: int) -> bool:
        """Whether so many bytes may be kept; the folder is looked through only when it is full, or not known yet."""
        if wanted > self._most:
            return False
        with self._lock:
            if self._kept is None or self._kept + wanted > self._most:
                self._kept = self._drop_oldest(wanted)
            self._kept += wanted
        return True

    def _drop_oldest(self, wanted: int) -> int:
        """Returns the bytes that are left. Others may be at the same folder: what is gone already is well gone."""
        found = []
        for path in (self._folder / LARGE).glob("*/*"):
            try:
                described = path.stat()
            except OSError:
                continue
            found.append((described.st_mtime_ns, described.st_size, path))
        kept = sum(size for _, size, _ in found)
        if kept + wanted <= self._most:
            return kept
        for _, size, path in sorted(found):
            if kept + wanted <= _ROOM * self._most:
                break
            path.unlink(missing_ok=True)
            kept -= size
        return kept


def _read(photo: Photo) -> bytes:
    original = files.open_original(photo)
    with original.file as file:
        if original.found.st_size > PHOTO_CAPS.max_bytes:
            raise files.changed()
        try:
            return file.read(PHOTO_CAPS.max_bytes + 1)
        except OSError:
            raise files.unreadable() from None


def _shortest(photo: Photo, size: Size) -> int:
    """What to decode for a picture of that size: `decode` keeps twice this in the shorter side."""
    short, long = sorted((photo.width, photo.height))
    return LONGEST[size] * short // (2 * long) + 1


def _unshowable() -> ServiceError:
    detail = "no picture can be made of this photo here; get the photo itself"
    return ServiceError("photo_unshowable", detail)
