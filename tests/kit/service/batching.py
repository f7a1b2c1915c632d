"""A batcher with an engine that does what engines do at their worst."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.to_thread
import numpy as np

from service.ops.metrics import Metrics
from service.search.batcher import Batcher, Limits


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


class Engine:
    """Turns numbers into points of the unit circle; what else it does is each test's own."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.threads: set[int] = set()
        self.free = threading.Event()
        self.free.set()
        self.began = threading.Event()
        self.fail: Callable[[Sequence[Any]], None] = lambda items: None

    def __call__(self, items: Sequence[Any]) -> np.ndarray:
        self.batches.append(list(items))
        self.threads.add(threading.get_ident())
        self.began.set()
        assert self.free.wait(20)
        self.fail(items)
        angles = np.array(items, dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@contextmanager
def batching(**limits: Any) -> Iterator[Batcher]:
    batcher = Batcher(Limits(**limits), Metrics())
    yield batcher
    batcher.close()
    assert batcher.queued == 0


async def ask(batcher: Batcher, engine: Callable[..., Any], item: float) -> np.ndarray:
    with batcher.admitted() as deadline:
        return await batcher.encode(engine, item, deadline)


async def ask_all(batcher: Batcher, engine: Callable[..., Any], items: Sequence[float]) -> list[Any]:
    return await asyncio.gather(*(ask(batcher, engine, item) for item in items), return_exceptions=True)


async def began(engine: Engine) -> None:
    """The engine has something in hand now."""
    assert await anyio.to_thread.run_sync(engine.began.wait, 10)


async def held(batcher: Batcher, engine: Engine, work: Coroutine[Any, Any, Any]) -> tuple[Any, Any]:
    """Starts the work while the engine is busy with a first item; returns what both became."""
    engine.free.clear()
    first = asyncio.create_task(ask(batcher, engine, 0.0))
    await began(engine)
    task = asyncio.create_task(work)
    await asyncio.sleep(0.05)
    engine.free.set()
    return await first, await task


def counted(batcher: Batcher, kind: str) -> float:
    return batcher._metrics.registry.get_sample_value("sketchseek_rejected_total", {"reason": kind}) or 0.0


def right(vector: Any, item: float) -> bool:
    return bool(np.allclose(vector, [np.cos(item), np.sin(item)], atol=1e-6))
