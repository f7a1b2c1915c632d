"""Explanations of the service: the photo is read and encoded again, in a batch with the drawing.

They share the model with searches, but only so many run at once: searches always find a place.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
from PIL import Image

from indexer import Photo
from indexer.decoding.budget import Budget
from model import PHOTO_CAPS, BadImage, Encoder, decode
from model.local.explaining import Explanation
from model.local.parts import Cells
from model.pictures.claims import claimed_bytes
from model.pictures.painting import painted
from model.pictures.strokes import Stroke
from service import problems
from service.explaining import comparing
from service.explaining.comparing import Pair
from service.photos.files import read_indexed
from service.problems import ServiceError
from service.search.batcher import Batcher
from service.search.gallery import Gallery

# Of the places for searches, and never more threads that decode: each may hold a whole photo.
_SHARE, _DECODERS = 4, 2
_MEMORY = 256 * 2**20


@dataclass(frozen=True)
class Explained:
    """An explanation, and the photo to show it on."""

    explanation: Explanation
    photo: Image.Image


@dataclass(frozen=True)
class _Encoding:
    """Encodes pairs; equal for one encoder, so that they share batches."""

    encoder: Encoder

    def __call__(self, pairs: Sequence[Pair]) -> list[tuple[Cells, Cells]]:
        return comparing.encoded(self.encoder, pairs)


class Explainer:
    """Explains how well photos fit drawings."""

    def __init__(self, gallery: Gallery, batcher: Batcher) -> None:
        self._gallery = gallery
        self._batcher = batcher
        self._places = threading.BoundedSemaphore(max(1, batcher.limits.searches // _SHARE))
        self._decoding = anyio.CapacityLimiter(_DECODERS)
        self._memory = Budget(_MEMORY)

    async def explain(self, sketch: bytes | tuple[Stroke, ...], photo: Photo) -> Explained:
        """Explain; raises BadImage for an unusable drawing, and ServiceError if the photo is not there any more."""
        encoder = self._gallery.encoder
        comparing.refuse_without_parts(encoder)
        with self._place(), self._batcher.admitted() as deadline:
            prepare = partial(self._prepared, encoder, sketch, photo)
            pair, image = await anyio.to_thread.run_sync(prepare, limiter=self._decoding)
            cells = await self._batcher.run(_Encoding(encoder), pair, deadline)
            explain = partial(comparing.compared, encoder, pair, cells)
            return Explained(await anyio.to_thread.run_sync(explain, limiter=self._decoding), image)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise problems.busy("too many explanations at once; try again in a moment")
        try:
            yield
        finally:
            self._places.release()

    def _prepared(
        self, encoder: Encoder, sketch: bytes | tuple[Stroke, ...], photo: Photo
    ) -> tuple[Pair, Image.Image]:
        drawn = self._drawn(sketch)
        original = read_indexed(photo)
        try:
            with self._memory.share(claimed_bytes(original)):
                image = decode(original, caps=PHOTO_CAPS, shortest=encoder.shortest).image
        except BadImage:
            detail = "this photo cannot be decoded any more; run sketchseek index again"
            raise ServiceError("photo_unshowable", detail) from None
        return comparing.prepared(encoder, drawn, image), image

    def _drawn(self, sketch: bytes | tuple[Stroke, ...]) -> Image.Image:
        if isinstance(sketch, tuple):
            return painted(sketch)
        return decode(sketch, caps=self._gallery.caps, keep_alpha=True).image
