"""Give local parts to photos that were embedded without: by an older version, or before the model had a local head.

Once per library, from the thumbnails: they are nearly as good as the photos, and need no decoder process. Only where
there is none is the photo read again. Commits every few seconds, so a run that is stopped or dies goes on from there.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.decoding.thumbnails import read_thumbnail, thumbnail_path
from indexer.decoding.workers import Workers
from indexer.jobs import pipeline
from indexer.jobs.stopping import Interrupted, Stop
from indexer.reports.counting import counted
from indexer.reports.progress import Reporter
from indexer.shards.rows import RowWriters, packed
from model import PHOTO_CAPS, BadImage, Encoder, decode
from model.cores import usable
from model.modality import Modality, Pixels
from model.pictures.preprocess import photo_pixels

# Contents looked up at a time.
_CHUNK = 4096


class Filling:
    """Fills in what is missing; `committed` is called after each commit but the last."""

    def __init__(
        self,
        encoder: Encoder,
        catalogue: Catalogue,
        shards: RowWriters,
        thumbnails: Path,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._encoder, self._catalogue, self._shards = encoder, catalogue, shards
        self._thumbnails = thumbnails
        self._committed = committed
        self._made = self._read_again = self._left = 0

    def run(self, reporter: Reporter) -> None:
        """Raise Interrupted if it was stopped, after committing what is done."""
        catalogue, fingerprint = self._catalogue, self._encoder.fingerprint
        missing, photos = self._missing(), catalogue.count(fingerprint)
        photos -= catalogue.count_parts(fingerprint, self._shards.digest)
        workers = Workers(self._encoder.size, self._thumbnails, how=self._encoder.preparation)
        pool = ThreadPoolExecutor(usable(), thread_name_prefix="parts")
        catalogue.begin()
        try:
            with Stop() as stop:
                committed, done = time.monotonic(), 0
                for batch in iter(lambda: list(islice(missing, self._encoder.batch)), []):
                    if stop.number is not None:
                        break
                    small = list(pool.map(self._thumbnail, batch))
                    self._encode(
                        {
                            content: pixels
                            for content, seen in zip(batch, small, strict=True)
                            if (pixels := seen if seen is not None else self._photo(content, workers))
                            is not None
                        },
                        len(batch),
                    )
                    done += len(batch)
                    reporter.step("parts", done, max(done, photos))
                    if time.monotonic() - committed > pipeline.COMMIT_SECONDS:
                        self._commit()
                        self._committed()
                        catalogue.begin()
                        committed = time.monotonic()
        except OSError:
            # After a failed write the disk's content is unknown.
            catalogue.rollback()
            raise
        except BaseException:
            self._commit()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            workers.close()
            reporter.end()
        self._commit()
        if stop.number is not None:
            raise Interrupted(stop.number)

    def _missing(self) -> Iterator[str]:
        last = ""
        fingerprint, digest = self._encoder.fingerprint, self._shards.digest
        while chunk := self._catalogue.without_parts(fingerprint, digest, last, _CHUNK):
            yield from chunk
            last = chunk[-1]

    def _thumbnail(self, content: str) -> Pixels | None:
        data = read_thumbnail(thumbnail_path(self._thumbnails, content))
        try:
            if data is not None:
                picture = decode(data, caps=PHOTO_CAPS).image
                return photo_pixels(picture, self._encoder.size, self._encoder.preparation)
        except BadImage:
            pass
        return None

    def _photo(self, content: str, workers: Workers) -> Pixels | None:
        """The pixels of a photo with this content, read again; None if there is none that can be read."""
        for root, relative in self._catalogue.files_of(content):
            try:
                read = workers.read(root, relative)
                if read.content == content:
                    pixels: Pixels = workers.decode(read).pixels
                    self._read_again += 1
                    return pixels
                workers.drop()
            except BadImage:
                continue
        return None

    def _encode(self, prepared: Mapping[str, Pixels], wanted: int) -> None:
        made = 0
        if prepared:
            found = packed(self._encoder, self._encoder.encode([*prepared.values()], Modality.PHOTO))
            if found is not None:
                made = int(found.good.sum())
                self._shards.add_parts(self._catalogue, [*prepared], found)
        self._made += made
        self._left += wanted - made

    def _commit(self) -> None:
        self._shards.sync()
        self._catalogue.commit()

    def summary(self) -> str:
        """What was done, for the report."""
        again = f", for {self._read_again} of them from the photo" if self._read_again else ""
        stay = "stays" if self._left == 1 else "stay"
        left = f"; {counted(self._left, 'photo')} cannot be read and {stay} without" if self._left else ""
        return f"local parts were missing: made for {counted(self._made, 'photo')}{again}{left}"
