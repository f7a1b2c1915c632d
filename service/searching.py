"""A search from query to photos: decoded in a bounded pool, encoded in the batch that forms, looked up in a thread."""

import asyncio
import os
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import numpy as np
from fastapi import Request

from indexer import Hit, Published
from indexer.stores.gpu_lane import MOST
from model import decode
from model.encoder import Pixels
from model.modality import Vectors, unit
from service.batcher import Batcher, Encode
from service.errors import ServiceError, client_gone
from service.gallery import Answer, Gallery
from service.metrics import Metrics
from service.query import Kind, Part, Query
from service.schemas import Took

T = TypeVar("T")
# A mix shorter than this share of its weights points nowhere in particular.
_NOTHING = 1e-3


class Searcher:
    """More decodes at once than cores would only wait for one another, holding their pixels in memory."""

    def __init__(self, gallery: Gallery, batcher: Batcher, metrics: Metrics, decoders: int) -> None:
        self.gallery = gallery
        self.batcher = batcher
        self._metrics = metrics
        cores = max(2, os.cpu_count() or 1)
        self._decoding = anyio.CapacityLimiter(decoders or cores)
        # Each scan is the work of one thread; a card makes one batch of the queries that gather.
        self._scanning = anyio.CapacityLimiter(cores)
        self._asking = anyio.CapacityLimiter(MOST)

    async def search(self, query: Query) -> Answer:
        """Raises BadImage where a picture is none, NoTextTower where the model reads no words."""
        # One generation for all that follows, whatever is swapped in meanwhile.
        published = self.gallery.published
        with self.batcher.admitted() as deadline:
            clock = [time.perf_counter()]
            ready = [(part, await self._prepared(part, published)) for part in query.parts]
            clock.append(time.perf_counter())
            vectors = [await self._vector(part, value, deadline) for part, value in ready]
            mix = mixed(vectors, [part.weight for part in query.parts])
            clock.append(time.perf_counter())
            find = partial(self._find, published, mix, query)
            limiter = self._scanning if published.device == "cpu" else self._asking
            hits, duplicates = await anyio.to_thread.run_sync(find, limiter=limiter)
            clock.append(time.perf_counter())
        took = self._took(clock)
        return Answer(hits, len(published), published.manifest.generation, took, duplicates)

    async def _prepared(self, part: Part, published: Published) -> Pixels | Vectors | str:
        """Pixels of a picture, words as they are, and of a known photo the vector that it has in the index."""
        if part.kind == Kind.TEXT:
            return str(part.value)
        return await anyio.to_thread.run_sync(self._read, part, published, limiter=self._decoding)

    def _read(self, part: Part, published: Published) -> Pixels | Vectors:
        encoder, value = self.gallery.encoder, part.value
        if isinstance(value, str):
            vector = published.vector(value)
            if vector is None:
                raise ServiceError(
                    404, "photo_not_found", f"no photo has the id {value[:40]!r}; search again"
                )
            found: Vectors = unit(vector)[0]
            return found
        if part.kind == Kind.PHOTO:
            return encoder.prepare_photo(decode(value, caps=self.gallery.caps, shortest=encoder.size).image)
        return encoder.prepare_sketch(decode(value, caps=self.gallery.caps, keep_alpha=True).image)

    async def _vector(self, part: Part, value: Any, deadline: float) -> Vectors:
        encoder = self.gallery.encoder
        encoders: dict[Kind, Encode] = {
            Kind.SKETCH: encoder.encode_sketches,
            Kind.PHOTO: encoder.encode_photos,
            Kind.TEXT: encoder.texts,
        }
        if part.kind == Kind.LIKE:
            vector: Vectors = value
            return vector
        return await self.batcher.encode(encoders[part.kind], value, deadline)

    @staticmethod
    def _find(published: Published, vector: Vectors, query: Query) -> tuple[list[Hit], dict[int, list[str]]]:
        hits = published.search(
            vector,
            query.k,
            offset=query.offset,
            where=query.where,
            min_score=query.min_score,
            fold_duplicates=query.fold_duplicates,
        )
        folded = (hit.photo for hit in hits if hit.folded)
        return hits, {
            photo.id: [other.public_id for other in published.duplicates(photo) if other.id != photo.id]
            for photo in folded
        }

    def _took(self, clock: list[float]) -> Took:
        decoded, encoded, found = (after - before for before, after in pairwise(clock))
        self._metrics.stage("decode", decoded)
        self._metrics.stage("search", found)
        stages = {"decode": decoded, "encode": encoded, "search": found, "total": clock[-1] - clock[0]}
        return Took(**{name: round(1000 * seconds, 2) for name, seconds in stages.items()})


def mixed(vectors: Sequence[Vectors], weights: Sequence[float]) -> Vectors:
    """Unit vectors by their weights, as one unit vector; refused where they cancel one another out."""
    total: Vectors = np.sum(
        [weight * vector for weight, vector in zip(weights, vectors, strict=True)], axis=0
    )
    length = float(np.linalg.norm(total))
    if length < _NOTHING * sum(map(abs, weights)):
        detail = "the parts of this query cancel one another out: change their weights"
        raise ServiceError(422, "empty_query", detail)
    return (total / length).astype(np.float32)


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Gives the work up when the caller hangs up; the request's body must have been read."""
    with anyio.CancelScope() as scope:
        watcher = asyncio.create_task(_cancel_when_gone(request, scope))
        try:
            return await work
        finally:
            watcher.cancel()
    raise client_gone()


async def _cancel_when_gone(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
