"""A search from query to photos: decoded in a bounded pool, encoded in a batch, looked up in a thread.

Searches without a picture never wait for pictures to be decoded.
"""

import asyncio
import os
import time
from collections.abc import Set
from functools import partial
from itertools import pairwise
from typing import Any

import anyio
import anyio.to_thread

from indexer import Library
from indexer.stores.gpu.executor import MOST
from model.rerankers import Question
from service.ops.metrics import Metrics
from service.schemas import Result, SearchResponse, Took
from service.search.batcher import Batcher
from service.search.encodings import Encoding
from service.search.finding import Encoders, described, encoders, prepared, question, visible
from service.search.gallery import Gallery, Served
from service.search.query import PICTURES, Kind, Part, Query
from service.search.reranking import Choice, Rerankers, first_stage, second_stage


class Searcher:
    """Runs searches. More concurrent decodes than cores would only wait for each other and hold pixels in memory."""

    def __init__(
        self,
        gallery: Gallery,
        batcher: Batcher,
        metrics: Metrics,
        decoders: int,
        rerankers: Rerankers,
    ) -> None:
        self.gallery = gallery
        self.rerankers = rerankers
        self.batcher = batcher
        self._metrics = metrics
        cores = max(2, os.cpu_count() or 1)
        self._decoding = anyio.CapacityLimiter(decoders or cores)
        # Vectors of known photos: these searches need not wait for a picture.
        self._looking_up = anyio.CapacityLimiter(cores)
        # Each scan is one thread's work; a GPU searches all queued queries as one batch.
        self._scanning = anyio.CapacityLimiter(cores)
        self._asking = anyio.CapacityLimiter(MOST)

    async def search(self, query: Query) -> SearchResponse:
        """Search; raises BadImage for an unusable picture, and NoTextTower if the model does not support words."""
        # Use one generation and its model from here on, whatever is swapped in meanwhile.
        served = self.gallery.trusted
        published = served.library
        self.rerankers = self.rerankers.of(served.encoder)
        choice = self.rerankers.fitting(query, published)
        marked = self.gallery.marks.now()
        query = visible(query, marked)
        with self.batcher.admitted(pictures=query.has_pictures) as deadline:
            clock = [time.perf_counter()]
            ready = [(part, await self._prepared(part, served)) for part in query.parts]
            clock.append(time.perf_counter())
            encode = encoders(served.encoder)
            results = await asyncio.gather(*(self._encoded(encode, *one, deadline) for one in ready))
            asked = question(ready, results, choice.local)
            clock.append(time.perf_counter())
            limiter = self._scanning if published.device == "cpu" else self._asking
            find = partial(self._found, published, asked, query, choice, marked.favourite)
            found, nothing_close, ranked_at = await anyio.to_thread.run_sync(find, limiter=limiter)
            clock += [ranked_at, time.perf_counter()]
        return SearchResponse(
            results=found,
            offset=query.offset,
            nothing_close=nothing_close,
            ranked_by=choice.name,
            remark=choice.remark,
            total_searched=len(published),
            generation=published.manifest.generation,
            model=served.encoder.card.name,
            took_ms=self._took(clock),
        )

    async def _prepared(self, part: Part, served: Served) -> Any:
        prepare = partial(prepared, part, served.encoder, served.library, self.gallery.caps)
        if part.kind == Kind.TEXT:
            # Words are taken as they are.
            return prepare()
        limiter = self._decoding if part.kind in PICTURES else self._looking_up
        return await anyio.to_thread.run_sync(prepare, limiter=limiter)

    async def _encoded(self, encode: Encoders, part: Part, value: Any, deadline: float) -> Encoding:
        if part.kind == Kind.LIKE:
            vector: Encoding = value
            return vector
        return await self.batcher.encode(encode[part.kind], value, deadline)

    @staticmethod
    def _found(
        published: Library, asked: Question, query: Query, choice: Choice, favourites: Set[str]
    ) -> tuple[list[Result], bool, float]:
        """The results, whether nothing is close, and when the second stage started."""
        first = first_stage(published, asked, query, choice.reranker)
        middle = time.perf_counter()
        answer = second_stage(published, asked, query, choice.reranker, first, choice.head)
        return [described(one, favourites) for one in answer.ranked], answer.nothing_close, middle

    def _took(self, clock: list[float]) -> Took:
        decoded, encoded, found, ranked = (after - before for before, after in pairwise(clock))
        self._metrics.stage("decode", decoded)
        self._metrics.stage("search", found)
        self._metrics.stage("rerank", ranked)
        stages = {
            "decode": decoded,
            "encode": encoded,
            "search": found,
            "rerank": ranked,
            "total": clock[-1] - clock[0],
        }
        return Took(**{name: round(1000 * seconds, 2) for name, seconds in stages.items()})
