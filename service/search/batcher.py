"""The one thread that runs the model: it takes everything queued as one batch, and survives any failure.

It never waits for more requests: a single one is encoded at once, and while a batch is being encoded,
the next one builds up by itself. Errors only affect the item that caused them.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import numpy as np

from model import SketchseekError
from model.gpu import is_out_of_memory, outcomes
from service import problems
from service.ops.metrics import Metrics
from service.problems import ServiceError
from service.search.encodings import ENCODINGS, Encoding, split, vector_of

log = logging.getLogger("sketchseek")

T = TypeVar("T")
Encode = Callable[[Sequence[Any]], Encoding]
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Limits:
    """Limits: concurrent searches, with pictures and as many again without; items in a batch; seconds
    for a search; seconds without a batch."""

    searches: int = 64
    batch: int = 16
    deadline: float = 20.0
    stall: float = 10.0


@dataclass(eq=False)
class _Waiting:
    work: Callable[[Sequence[Any]], Any]
    item: Any
    deadline: float
    since: float = field(default_factory=time.monotonic)
    result: Future[Any] = field(default_factory=Future)


class Batcher:
    """Call `await encode(encoder.encode_sketches, pixels)` from the event loop; the work happens in its thread."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._queue: list[_Waiting] = []
        self._changed = threading.Condition()
        self._closing = False
        # With pictures, and without: slow uploads must not keep text searches out.
        self._searches = {True: 0, False: 0}
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @contextmanager
    def admitted(self, *, pictures: bool = True) -> Iterator[float]:
        """Hold a place among the concurrent searches, from decoding to the answer; yields the deadline."""
        with self._changed:
            if self._closing:
                raise self._refused("closing", "the service is shutting down; try again in a moment")
            if self._stalled():
                raise self._refused("stalled", "the model is not answering right now; try again later")
            if self._searches[pictures] >= self.limits.searches:
                raise self._refused("busy", "too many searches at once; try again in a moment")
            self._searches[pictures] += 1
        try:
            # anyio's kind of cancellation: working threads keep their place until they finish.
            with anyio.fail_after(self.limits.deadline):
                yield time.monotonic() + self.limits.deadline
        except TimeoutError:
            self._metrics.rejected.labels("deadline").inc()
            raise problems.too_late() from None
        finally:
            with self._changed:
                self._searches[pictures] -= 1

    async def encode(self, encode: Encode, item: Any, deadline: float) -> Encoding:
        """Return what `encode` makes of one item, in a batch with others; `deadline` is a time.monotonic()."""
        found: Encoding = await self._queued(encode, item, deadline)
        return found

    async def run(self, work: Callable[[Sequence[Any]], list[T]], item: Any, deadline: float) -> T:
        """The same for work with the model that gives a list of other things than vectors."""
        found: T = await self._queued(work, item, deadline)
        return found

    async def _queued(self, work: Callable[[Sequence[Any]], Any], item: Any, deadline: float) -> Any:
        waiting = _Waiting(work, item, deadline)
        with self._changed:
            self._queue.append(waiting)
            self._changed.notify()
        try:
            return await asyncio.wrap_future(waiting.result)
        finally:
            with self._changed:
                if waiting in self._queue:
                    self._queue.remove(waiting)

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def stalled(self) -> bool:
        """Whether there is work, but no batch has finished for too long."""
        with self._changed:
            return self._stalled()

    def close(self, patience: float = 10.0) -> None:
        """Finish what is queued; a model that hangs is abandoned after so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(patience)
        with self._changed:
            left, self._queue = self._queue, []
        for waiting in left:
            waiting.result.cancel()

    def _stalled(self) -> bool:
        since = self._busy_since
        return since is not None and time.monotonic() - since > self.limits.stall

    def _refused(self, reason: str, detail: str) -> ServiceError:
        self._metrics.rejected.labels(reason).inc()
        return problems.busy(detail)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy_since = None
                while not self._queue and not self._closing:
                    self._changed.wait()
                batch = self._take()
                if not batch and self._closing and not self._queue:
                    return
                self._busy_since = time.monotonic()
            if batch:
                self._survive(batch)

    def _take(self) -> list[_Waiting]:
        """Take the oldest items for the same function, without those that were cancelled or are past their deadline."""
        if not self._queue:
            return []
        wanted = self._queue[0].work
        batch = [waiting for waiting in self._queue if waiting.work == wanted][: self.limits.batch]
        self._queue = [waiting for waiting in self._queue if waiting not in batch]
        now = time.monotonic()
        # From here on it cannot be cancelled, so setting its result cannot fail.
        return [w for w in batch if now < w.deadline and w.result.set_running_or_notify_cancel()]

    def _survive(self, batch: list[_Waiting]) -> None:
        """Survive whatever an engine raises or returns, even BaseExceptions: without this thread, searches stop."""
        try:
            self._run(batch)
        except BaseException as error:
            log.error("a batch failed: %s: %s", type(error).__name__, error)
            for waiting in batch:
                if not waiting.result.done():
                    waiting.result.set_exception(problems.unencodable())

    def _run(self, batch: list[_Waiting]) -> None:
        start = time.monotonic()
        for waiting in batch:
            self._metrics.stage("queue", start - waiting.since)
        done = [self._answer(outcome) for outcome in outcomes(_encoded, batch)]
        self._metrics.batch.observe(len(batch))
        self._metrics.stage("encode", time.monotonic() - start)
        for waiting, outcome in zip(batch, done, strict=True):
            if isinstance(outcome, BaseException):
                waiting.result.set_exception(outcome)
            else:
                waiting.result.set_result(outcome)

    def _answer(self, outcome: Any) -> Any:
        if isinstance(outcome, ENCODINGS):
            return _checked(outcome)
        if not isinstance(outcome, Exception):
            return outcome
        no_memory = is_out_of_memory(outcome)
        self._metrics.failed.labels("memory" if no_memory else "engine").inc()
        if isinstance(outcome, SketchseekError):
            return outcome
        log.error("the model failed on one item: %s: %s", type(outcome).__name__, outcome)
        return problems.no_memory() if no_memory else problems.unencodable()


def _encoded(batch: Sequence[_Waiting]) -> list[Any]:
    found = batch[0].work([waiting.item for waiting in batch])
    if isinstance(found, list) and len(found) == len(batch):
        return found
    vectors = np.asarray(vector_of(found))
    if vectors.ndim != 2 or len(vectors) != len(batch):
        raise ValueError(f"{len(batch)} items gave an array of shape {vectors.shape}")
    return split(found)


def _checked(result: Encoding) -> Encoding | ServiceError:
    """Refuse vectors that are not unit vectors: they would find arbitrary photos with meaningless scores."""
    vector = vector_of(result)
    if abs(float(np.linalg.norm(vector)) - 1) < _TOLERANCE:  # also false for NaN
        return result
    log.error("the model returned a vector of length %s", np.linalg.norm(vector))
    return problems.unencodable()
