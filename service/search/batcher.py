"""The one thread that runs the model: it takes what has queued up as one batch, and survives whatever happens to it.

There is no window in which it waits for more: a lone request is encoded at once, and while a batch is being encoded
the next one gathers by itself. What may go wrong stays with the item it belongs to.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import numpy as np
from numpy.typing import NDArray

from model import SketchseekError
from model.gpu import is_out_of_memory, outcomes
from service import problems
from service.ops.metrics import Metrics
from service.problems import ServiceError

log = logging.getLogger("sketchseek")

Vector = NDArray[np.float32]
Encode = Callable[[Sequence[Any]], Vector]
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Limits:
    """How much is taken on: searches at once, with pictures and as many again without; items in a batch; seconds
    for a search; seconds without a batch."""

    searches: int = 64
    batch: int = 16
    deadline: float = 20.0
    stall: float = 10.0


@dataclass(eq=False)
class _Waiting:
    encode: Encode
    item: Any
    deadline: float
    since: float = field(default_factory=time.monotonic)
    result: Future[Vector] = field(default_factory=Future)


class Batcher:
    """`await encode(encoder.encode_sketches, pixels)` from the event loop; all else happens in its thread."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._queue: list[_Waiting] = []
        self._changed = threading.Condition()
        self._closing = False
        # Those with pictures and those without: uploads that take long shall not keep words out.
        self._searches = {True: 0, False: 0}
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @contextmanager
    def admitted(self, *, pictures: bool = True) -> Iterator[float]:
        """A place among the searches at once, from before decoding to the answer; gives its deadline."""
        with self._changed:
            if self._closing:
                raise self._refused("closing", "the service is shutting down; try again in a moment")
            if self._stalled():
                raise self._refused("stalled", "the model is not answering right now; try again later")
            if self._searches[pictures] >= self.limits.searches:
                raise self._refused("busy", "too many searches at once; try again in a moment")
            self._searches[pictures] += 1
        try:
            # Of anyio's kind, which threads that are at work keep their place through.
            with anyio.fail_after(self.limits.deadline):
                yield time.monotonic() + self.limits.deadline
        except TimeoutError:
            self._metrics.rejected.labels("deadline").inc()
            raise problems.too_late() from None
        finally:
            with self._changed:
                self._searches[pictures] -= 1

    async def encode(self, encode: Encode, item: Any, deadline: float) -> Vector:
        """The vector of one item, as `encode` makes it of a batch; `deadline` is a time.monotonic()."""
        waiting = _Waiting(encode, item, deadline)
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
        """Work is there, and for too long no batch has been finished."""
        with self._changed:
            return self._stalled()

    def close(self, patience: float = 10.0) -> None:
        """Finishes what is queued; a model that hangs is left behind after so many seconds."""
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
        """The oldest that want the same work, without those who hung up and those who would be answered too late."""
        if not self._queue:
            return []
        wanted = self._queue[0].encode
        batch = [waiting for waiting in self._queue if waiting.encode == wanted][: self.limits.batch]
        self._queue = [waiting for waiting in self._queue if waiting not in batch]
        now = time.monotonic()
        # From here on nobody can cancel it any more, so that setting its result cannot fail.
        return [w for w in batch if now < w.deadline and w.result.set_running_or_notify_cancel()]

    def _survive(self, batch: list[_Waiting]) -> None:
        """Whatever an engine raises or returns, even what is no Exception: without this thread nothing is searched."""
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
        done = [self._judged(outcome) for outcome in outcomes(_encoded, batch)]
        self._metrics.batch.observe(len(batch))
        self._metrics.stage("encode", time.monotonic() - start)
        for waiting, outcome in zip(batch, done, strict=True):
            if isinstance(outcome, BaseException):
                waiting.result.set_exception(outcome)
            else:
                waiting.result.set_result(outcome)

    def _judged(self, outcome: Vector | Exception) -> Vector | Exception:
        if not isinstance(outcome, Exception):
            return _checked(outcome)
        no_memory = is_out_of_memory(outcome)
        self._metrics.failed.labels("memory" if no_memory else "engine").inc()
        if isinstance(outcome, SketchseekError):
            return outcome
        log.error("the model failed on one item: %s: %s", type(outcome).__name__, outcome)
        return problems.no_memory() if no_memory else problems.unencodable()


def _encoded(batch: Sequence[_Waiting]) -> list[Vector]:
    vectors = np.asarray(batch[0].encode([waiting.item for waiting in batch]))
    if vectors.ndim != 2 or len(vectors) != len(batch):
        raise ValueError(f"{len(batch)} items gave an array of shape {vectors.shape}")
    return list(vectors)


def _checked(vector: Vector) -> Vector | ServiceError:
    """A vector that is no unit vector would find anything at all, with scores that mean nothing."""
    if abs(float(np.linalg.norm(vector)) - 1) < _TOLERANCE:  # not so for NaN
        return vector
    log.error("the model returned a vector of length %s", np.linalg.norm(vector))
    return problems.unencodable()
