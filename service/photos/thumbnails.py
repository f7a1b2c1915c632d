"""Small and large thumbnails that every browser can show: stored ones, and ones made on demand.

Small ones come with the index. Large ones are cached in the index folder, never next to the photos; the least recently
viewed are dropped first. If they cannot be stored, as on a read-only disk, they are still sent.
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

# Most bytes for decoding, over all threads: two photos of a good camera; a larger one is decoded alone.
_MEMORY = 512 * 2**20
_ROOM = 0.9


class Thumbnails:
    """Thread-safe. Methods without `async` block."""

    def __init__(self, folder: Path, large_bytes: int) -> None:
        self._folder = folder
        self._most = large_bytes
        self._kept: int | None = None
        self._lock = threading.Lock()
        # Searches come first: a page of missing thumbnails must not occupy all cores.
        self._making = anyio.CapacityLimiter(max(1, (os.cpu_count() or 1) // 2))
        self._memory = Budget(_MEMORY)

    def stored(self, photo: Photo, size: Size) -> bytes | None:
        """The stored thumbnail, if it exists and is intact."""
        path = thumbnail_path(self._folder, photo.content, size)
        data = read_thumbnail(path)
        if data and size == LARGE:
            with contextlib.suppress(OSError):
                os.utime(path)  # viewed just now
        return data

    async def made(self, photo: Photo, size: Size) -> bytes:
        """Make the thumbnail, only from the content that was indexed, because browsers cache it forever."""
        return await anyio.to_thread.run_sync(self._make, photo, size, limiter=self._making)

    def _make(self, photo: Photo, size: Size) -> bytes:
        # Another request may have made it while this one waited.
        if data := self.stored(photo, size):
            return data
        # Decode only what the indexer's own processes have decoded before.
        original = _read(photo)
        if hashlib.blake2b(original, digest_size=16).hexdigest() != photo.content:
            raise files.changed()
        try:
            with self._memory.share(claimed_bytes(original)):
                image = decode(original, caps=PHOTO_CAPS, shortest=_shortest(photo, size)).image
                data = make_thumbnail(image, size)
        except BadImage as error:
            log.warning("cannot make a thumbnail of photo %s: %s", photo.public_id, error)
            raise _unshowable() from None
        if size != LARGE or self._make_room(stored_bytes(data)):
            try:
                write_thumbnail(self._folder, photo.content, data, size)
            except OSError as error:
                log.warning("cannot write thumbnails to the index folder: %s", error.strerror)
        return data

    def _make_room(self, wanted: int) -> bool:
        """Whether `wanted` bytes may be stored. The folder is scanned only if it is full, or the first time."""
        if wanted > self._most:
            return False
        with self._lock:
            if self._kept is None or self._kept + wanted > self._most:
                self._kept = self._drop_oldest(wanted)
            self._kept += wanted
        return True

    def _drop_oldest(self, wanted: int) -> int:
        """Delete the oldest and return the bytes left. Other processes may do the same; missing files are fine."""
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
    """The `shortest` for decoding at that size: `decode` keeps twice this on the shorter side."""
    short, long = sorted((photo.width, photo.height))
    return LONGEST[size] * short // (2 * long) + 1


def _unshowable() -> ServiceError:
    detail = "cannot make a thumbnail of this photo; open the original instead"
    return ServiceError("photo_unshowable", detail)
