"""A search from bytes to photos: decoded in a bounded pool, encoded in the batch that forms, looked up in a thread."""

import asyncio
import os
import time
from collections.abc import Awaitable
from itertools import pairwise
from typing import TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from model import decode
from model.encoder import Pixels
from service.batcher import Batcher
from service.errors import client_gone
from service.gallery import Answer, Gallery
from service.metrics import Metrics
from service.schemas import Took

T = TypeVar("T")


class Searcher:
    """More decodes at once than cores would only wait for one another, holding their pixels in memory."""

    def __init__(self, gallery: Gallery, batcher: Batcher, metrics: Metrics, decoders: int) -> None:
        self.gallery = gallery
        self.batcher = batcher
        self._metrics = metrics
        self._decoding = anyio.CapacityLimiter(decoders or max(2, os.cpu_count() or 1))
        # One scan uses all cores already.
        self._scanning = anyio.CapacityLimiter(1)

    async def sketch(self, data: bytes, k: int) -> Answer:
        """Bytes of a drawing to photos; raises BadImage where they are no drawing."""
        with self.batcher.admitted() as deadline:
            clock = [time.perf_counter()]
            pixels = await anyio.to_thread.run_sync(self._prepare, data, limiter=self._decoding)
            clock.append(time.perf_counter())
            query = await self.batcher.encode(self.gallery.encoder.encode_sketches, pixels, deadline)
            clock.append(time.perf_counter())
            # One generation for all that follows, whatever is swapped in meanwhile.
            published = self.gallery.published
            hits = await anyio.to_thread.run_sync(published.search, query, k, limiter=self._scanning)
            clock.append(time.perf_counter())
        took = self._took(clock)
        return Answer(hits, len(published), published.manifest.generation, took)

    def _prepare(self, data: bytes) -> Pixels:
        image = decode(data, caps=self.gallery.caps, keep_alpha=True).image
        return self.gallery.encoder.prepare_sketch(image)

    def _took(self, clock: list[float]) -> Took:
        decoded, encoded, found = (after - before for before, after in pairwise(clock))
        self._metrics.stage("decode", decoded)
        self._metrics.stage("search", found)
        stages = {"decode": decoded, "encode": encoded, "search": found, "total": clock[-1] - clock[0]}
        return Took(**{name: round(1000 * seconds, 2) for name, seconds in stages.items()})


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
