"""Pictures that people searched with, kept for a while so that a link to the search can carry them.

They lie in `shared/` in the index folder, as WebP. The name of each is a hash of its bytes, so the same picture is kept
once, and what was damaged or replaced does not match its name and is not sent.
"""

import errno
import hashlib
import logging
import re
from functools import partial
from pathlib import Path

from indexer import thumbnail_path, write_thumbnail
from indexer.decoding.budget import Budget
from indexer.decoding.thumbnails import read_thumbnail, stored_bytes, webp
from model import Caps, decode
from model.pictures.claims import claimed_bytes
from service.photos.cache import Cache
from service.photos.making import Maker
from service.problems import ServiceError

log = logging.getLogger("sketchseek")

LONGEST = 1024
FOLDER = "shared"
_DAY = 24 * 3600.0
_MEMORY = 512 * 2**20
_NAME = re.compile(r"[0-9a-f]{32}")
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Shared:
    """For one event loop; `get` may be called from any thread, and blocks."""

    def __init__(self, index: Path, caps: Caps, megabytes: int, days: float, maker: Maker) -> None:
        """Kept within `megabytes`; what nobody opened for so many `days` goes, whatever room there is."""
        self._folder = index / FOLDER
        self._caps = caps
        self._cache = Cache([self._folder], megabytes * 2**20, days * _DAY)
        self._memory = Budget(_MEMORY)
        self._maker = maker

    async def keep(self, data: bytes) -> str:
        """Keep a picture and return its name; raises BadImage if it is none."""
        upload = (FOLDER, hashlib.blake2b(data, digest_size=16).digest())
        return await self._maker.once(upload, partial(self._keep, data))

    def get(self, name: str) -> bytes | None:
        """The picture of this name, if it is there, intact, and not too old."""
        if not _NAME.fullmatch(name):
            return None
        path = thumbnail_path(self._folder, name)
        try:
            old = self._cache.expired(path.stat().st_mtime)
        except OSError:
            return None
        data = None if old else read_thumbnail(path)
        if data is None or _name(data) != name:
            return None
        self._cache.used(path)
        return data

    def _keep(self, data: bytes) -> str:
        with self._memory.share(claimed_bytes(data)):
            # Drawings may be light strokes on nothing.
            image = decode(data, caps=self._caps, shortest=LONGEST // 2, keep_alpha=True).image
            picture = webp(image, LONGEST)
        name = _name(picture)
        if self.get(name) is None:
            if not self._cache.make_room(stored_bytes(picture)):
                raise _no_room(
                    "the room for shared pictures is too small; raise SKETCHSEEK_SHARED_PICTURES_MB"
                )
            try:
                write_thumbnail(self._folder, name, picture)
            except OSError as error:
                log.warning("cannot write shared pictures to the index folder: %s", error.strerror)
                raise _unwritable(error) from None
        return name


def _name(picture: bytes) -> str:
    return hashlib.blake2b(picture, digest_size=16).hexdigest()


def _no_room(detail: str) -> ServiceError:
    return ServiceError("no_room", detail)


def _unwritable(error: OSError) -> ServiceError:
    if error.errno in _FULL:
        return _no_room("the disk of the index is full: free some space, then share the picture again")
    detail = "the picture cannot be kept: the service may not write to its index folder"
    return ServiceError("index_unwritable", detail)
