"""From photos to vectors and local parts: decode in processes, encode in batches, write, commit every few seconds."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from queue import Empty, SimpleQueue

from indexer.catalogue.database import Catalogue
from indexer.decoding.metadata import Metadata
from indexer.decoding.thumbnails import read_thumbnail, thumbnail_path
from indexer.decoding.workers import Picture, Workers
from indexer.duplicates.signatures import look
from indexer.folders.losses import Failing
from indexer.folders.scan import Found, Skipped, file_time
from indexer.jobs.stopping import Interrupted, Stop
from indexer.reports.progress import Progress, Reporter
from indexer.shards.rows import RowWriters, packed
from indexer.shards.shard import are_vectors
from model import BadImage, Encoder, Unreadable
from model.cores import usable
from model.modality import Modality

COMMIT_SECONDS = 5.0
# How many photos justify starting another decoder process.
WORTH_A_PROCESS = 12
_TICK_SECONDS = 0.5
_NO_VECTOR = "the model made no valid vector of it; check the model with sketchseek doctor"


@dataclass(frozen=True)
class Prepared:
    """A photo that was read; `picture` is None if its content already has a vector, `metadata` if it is known."""

    found: Found
    content: str
    metadata: Metadata | None
    picture: Picture | None
    # The size of a thumbnail that was made again.
    thumbnail: int | None = None


class Pipeline:
    """Embeds files into new shards; whatever is committed survives a crash.

    Files that were photos (`was_good`) and no longer are go to `failing` instead of the catalogue, so that the caller
    can decide whether the loss is plausible. `committed` is called after each commit but the last.
    """

    def __init__(
        self,
        encoder: Encoder,
        catalogue: Catalogue,
        shards: RowWriters,
        thumbnails: Path,
        was_good: Callable[[Found], bool],
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._encoder = encoder
        self._catalogue = catalogue
        self._shards = shards
        self._thumbnails = thumbnails
        self._workers = Workers(encoder.size, thumbnails, how=encoder.preparation)
        self._waiting: list[tuple[Prepared, Picture]] = []
        self._progress = Progress(0)
        self._was_good = was_good
        self._committed = committed
        self.failing: list[Failing] = []
        self.embedded = 0

    def run(self, files: Sequence[Found], reporter: Reporter) -> Iterator[Skipped]:
        """Process the files; yields those that cannot be used, with the reason."""
        self._progress = Progress(len(files))
        reporter.begin(self._progress)
        self._catalogue.begin()
        try:
            with Stop() as stop:
                yield from self._work(files, reporter, stop)
                yield from self._report_skipped(self._encode(), reporter)
        except OSError:
            # After a failed write the disk's content is unknown; redo the rows since the last commit.
            self._catalogue.rollback()
            raise
        except BaseException:
            # Keep what is already encoded.
            self._commit()
            raise
        finally:
            reporter.end()
        self._commit()
        if stop.number is not None:
            raise Interrupted(stop.number)

    def _work(self, files: Sequence[Found], reporter: Reporter, stop: Stop) -> Iterator[Skipped]:
        progress, committed = self._progress, time.monotonic()
        for finished in self._as_finished(files, stop):
            if finished is not None:
                found, outcome = finished
                if isinstance(outcome, Prepared):
                    yield from self._report_skipped(self._add(outcome), reporter)
                else:
                    yield from self._report_skipped([self._reject(found, outcome)], reporter)
                progress.done += 1
            reporter.advance(progress)
            if time.monotonic() - committed > COMMIT_SECONDS:
                self._commit()
                self._committed()
                self._catalogue.begin()
                committed = time.monotonic()

    def _report_skipped(self, skipped: Sequence[Skipped], reporter: Reporter) -> Sequence[Skipped]:
        for one in skipped:
            self._progress.skipped += 1
            reporter.skip(one)
        return skipped

    def _as_finished(
        self, files: Sequence[Found], stop: Stop
    ) -> Iterator[tuple[Found, Prepared | BadImage] | None]:
        """Yield outcomes as they finish, so that a slow file delays no other; None if none finished for a while.

        No more photos are in flight, or waiting in memory, than keep all cores busy during a batch.
        """
        processes = max(1, min(usable(), len(files) // WORTH_A_PROCESS))
        finished: SimpleQueue[Future[tuple[Found, Prepared | BadImage]]] = SimpleQueue()
        pool = ThreadPoolExecutor(processes, thread_name_prefix="decode")
        in_flight = 0
        try:
            todo = iter(files)
            while stop.number is None:
                while in_flight < processes + 2 * self._encoder.batch and (found := next(todo, None)):
                    pool.submit(self._outcome, found).add_done_callback(finished.put)
                    in_flight += 1
                if not in_flight:
                    break
                try:
                    with self._progress.spent.on("decode"):
                        future = finished.get(timeout=_TICK_SECONDS)
                except Empty:
                    yield None
                    continue
                in_flight -= 1
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self._workers.close()
            pool.shutdown()

    def _outcome(self, found: Found) -> tuple[Found, Prepared | BadImage]:
        try:
            return found, self._prepare(found)
        except BadImage as error:
            return found, error

    def _prepare(self, found: Found) -> Prepared:
        """Do everything that needs no encoder, in a thread that waits for its decoder process."""
        read = self._workers.read(found.root, found.relative)
        changed = None if found.ctime_ns is None else file_time(read.ctime_ns)
        found = found._replace(size=read.bytes, mtime_ns=file_time(read.mtime_ns), ctime_ns=changed)
        known = self._catalogue.has_vector(read.content, self._encoder.fingerprint)
        path = thumbnail_path(self._thumbnails, read.content)
        if known and read_thumbnail(path):
            size = path.stat().st_size
            return Prepared(found, read.content, self._metadata(read.content), None, size)
        picture = self._workers.decode(read)
        again = picture.thumbnail if known else None
        return Prepared(found, read.content, picture.metadata, None if known else picture, again)

    def _metadata(self, content: str) -> Metadata | None:
        """Return the metadata of a photo that needs no decoding, or None if it is already known."""
        if self._catalogue.is_described(content):
            self._workers.drop()
            return None
        return self._workers.describe()

    def _add(self, prepared: Prepared) -> list[Skipped]:
        if prepared.picture is None:
            with self._progress.spent.on("write"):
                self._record(prepared, prepared.thumbnail)
            return []
        self._waiting.append((prepared, prepared.picture))
        return self._encode() if len(self._waiting) >= self._encoder.batch else []

    def _record(self, photo: Prepared, thumbnail: int | None) -> None:
        self._catalogue.record(
            photo.found, content=photo.content, metadata=photo.metadata, thumbnail=thumbnail
        )

    def _reject(self, found: Found, error: BadImage) -> Skipped:
        # The next run retries what could not be read; what is not a picture is remembered.
        if isinstance(error, Unreadable):
            pass
        elif self._was_good(found):
            self.failing.append(Failing(found, str(error)))
        else:
            self._catalogue.record(found, error=str(error))
        return Skipped(found.path, str(error))

    def _encode(self) -> list[Skipped]:
        """Embed the waiting photos; returns those for which the model made no vector."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return []
        with self._progress.spent.on("encode"):
            encoded = self._encoder.encode([picture.pixels for _, picture in batch], Modality.PHOTO)
            parts = packed(self._encoder, encoded)
        vectors = encoded.vectors
        good = are_vectors(vectors).tolist()
        kept = list(compress(batch, good))
        with self._progress.spent.on("write"):
            contents = [photo.content for photo, _ in kept]
            places = self._shards.vectors.append(contents, vectors[good])
            if parts is not None:
                self._shards.add_parts(self._catalogue, contents, parts.among(good))
            for place, (photo, picture) in zip(places, kept, strict=True):
                self._catalogue.add_vector(
                    self._encoder.fingerprint, place, picture.size, look(picture.pixels)
                )
                self._record(photo, picture.thumbnail)
        self.embedded += len(kept)
        return [
            Skipped(photo.found.path, _NO_VECTOR)
            for (photo, _), fine in zip(batch, good, strict=True)
            if not fine
        ]

    def _commit(self) -> None:
        with self._progress.spent.on("write"):
            self._shards.sync()
            self._catalogue.commit()
