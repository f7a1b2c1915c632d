"""Photos to vectors: decode in several threads, encode in batches, write shards, commit every few seconds."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.catalogue import Catalogue
from indexer.scan import Found, Skipped
from indexer.thumbnails import has_thumbnail, make_thumbnail, write_thumbnail
from indexer.vectors import ShardWriter
from model import PHOTO_CAPS, BadImage, Encoder, Unreadable, decode
from model.encoder import BATCH, Pixels

COMMIT_SECONDS = 5.0


@dataclass(frozen=True)
class Prepared:
    """A photo that was read; `pixels` is None when the vector of the same content is known already."""

    found: Found
    content: str
    size: tuple[int, int]
    pixels: Pixels | None


class Pipeline:
    """Embeds files into one new shard; everything committed survives whatever happens next."""

    def __init__(self, encoder: Encoder, catalogue: Catalogue, shard: ShardWriter, thumbnails: Path) -> None:
        self._encoder = encoder
        self._catalogue = catalogue
        self._shard = shard
        self._thumbnails = thumbnails
        self._waiting: list[Prepared] = []
        self.embedded = 0

    def run(self, files: Iterable[Found], advance: Callable[[], None]) -> Iterator[Skipped]:
        """Works through the files; yields those that cannot be used, with the reason."""
        self._catalogue.begin()
        committed = time.monotonic()
        try:
            for found, outcome in _in_order(self._prepare, files):
                if isinstance(outcome, Prepared):
                    self._take(outcome)
                else:
                    yield self._reject(found, outcome)
                advance()
                if time.monotonic() - committed > COMMIT_SECONDS:
                    self._commit()
                    self._catalogue.begin()
                    committed = time.monotonic()
            self._encode()
        except OSError:
            # After a failed write nobody knows what is on disk; the rows since the last commit are done again.
            self._catalogue.rollback()
            raise
        except BaseException:
            # Such as Ctrl-C: what is encoded by now need not be done again.
            self._commit()
            raise
        self._commit()

    def _prepare(self, found: Found) -> Prepared:
        """In a worker thread: everything that needs no encoder. Pillow lets go of the GIL while it decodes."""
        found, data = _read(found)
        content = hashlib.blake2b(data, digest_size=16).hexdigest()
        if has_thumbnail(self._thumbnails, content) and self._catalogue.has_vector(
            content, self._encoder.fingerprint
        ):
            return Prepared(found, content, (0, 0), None)
        decoded = decode(data, caps=PHOTO_CAPS, shortest=self._encoder.card.image_tower.size)
        write_thumbnail(self._thumbnails, content, make_thumbnail(decoded.image))
        pixels = self._encoder.prepare_photo(decoded.image)
        return Prepared(found, content, (decoded.width, decoded.height), pixels)

    def _take(self, prepared: Prepared) -> None:
        if prepared.pixels is None:
            self._catalogue.record(prepared.found, content=prepared.content)
            return
        self._waiting.append(prepared)
        if len(self._waiting) >= BATCH:
            self._encode()

    def _reject(self, found: Found, error: Exception) -> Skipped:
        # What could not be read now is tried again by the next run; what is no picture is remembered.
        if not isinstance(error, Unreadable):
            self._catalogue.record(found, error=str(error))
        return Skipped(found.path, str(error))

    def _encode(self) -> None:
        batch, self._waiting = self._waiting, []
        pixels = [photo.pixels for photo in batch if photo.pixels is not None]
        if not pixels:
            return
        first = self._shard.append(self._encoder.encode_photos(pixels))
        for row, photo in enumerate(batch, start=first):
            self._catalogue.add_vector(
                photo.content, self._encoder.fingerprint, self._shard.number, row, photo.size
            )
            self._catalogue.record(photo.found, content=photo.content)
        self.embedded += len(batch)

    def _commit(self) -> None:
        self._shard.sync()
        self._catalogue.commit()


def _in_order(
    work: Callable[[Found], Prepared], files: Iterable[Found]
) -> Iterator[tuple[Found, Prepared | Exception]]:
    """Results in the order of the files, with no more photos in memory than keep all cores busy."""
    workers = os.cpu_count() or 1
    window: deque[tuple[Found, Future[Prepared]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for found in files:
                window.append((found, pool.submit(work, found)))
                if len(window) >= workers + BATCH:
                    yield _outcome(*window.popleft())
            while window:
                yield _outcome(*window.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _outcome(found: Found, future: "Future[Prepared]") -> tuple[Found, Prepared | Exception]:
    try:
        return found, future.result()
    except BadImage as error:
        return found, error


def _read(found: Found) -> tuple[Found, bytes]:
    """The bytes, and the file's size and time as they were when it was read."""
    try:
        with found.path.open("rb") as opened:
            now = os.fstat(opened.fileno())
            if now.st_size > PHOTO_CAPS.max_bytes:
                limit = PHOTO_CAPS.max_bytes >> 20
                raise BadImage(f"{now.st_size >> 20} MiB large; the limit is {limit}")
            data = opened.read()
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from None
    if len(data) != now.st_size:
        raise Unreadable("it changed while it was read; the next run takes it")
    return replace(found, size=now.st_size, mtime_ns=now.st_mtime_ns), data
