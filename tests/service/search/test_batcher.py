"""The batcher's nine properties, with engines that do what engines do at their worst."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from model import NoTextTower
from service.ops.metrics import Metrics
from service.problems import ServiceError
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


def test_one_item_is_encoded_at_once_and_many_together() -> None:
    engine = Engine()
    with batching(batch=4) as batcher:

        async def go() -> None:
            _, results = await held(batcher, engine, ask_all(batcher, engine, [1, 2, 3, 4, 5, 6]))
            assert all(right(vector, item) for item, vector in enumerate(results, 1))

        asyncio.run(go())
    assert engine.batches == [[0.0], [1, 2, 3, 4], [5, 6]]


def test_different_work_is_never_in_one_batch() -> None:
    engine, other = Engine(), Engine()
    with batching() as batcher:

        async def mixed() -> list[Any]:
            return await asyncio.gather(*(ask(batcher, (engine, other)[n % 2], n) for n in range(6)))

        async def go() -> None:
            _, results = await held(batcher, engine, mixed())
            assert all(right(vector, item) for item, vector in enumerate(results))

        asyncio.run(go())
    assert (engine.batches, other.batches) == ([[0.0], [0, 2, 4]], [[1, 3, 5]])


def test_admission_is_bounded_and_refuses_at_once() -> None:
    engine = Engine()
    with batching(searches=3) as batcher:

        async def go() -> None:
            engine.free.clear()
            tasks = [asyncio.create_task(ask(batcher, engine, n)) for n in range(3)]
            await began(engine)
            with pytest.raises(ServiceError) as refused:
                await ask(batcher, engine, 9)
            assert not any(task.done() for task in tasks)
            assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "1"})
            engine.free.set()
            assert all(right(vector, n) for n, vector in enumerate(await asyncio.gather(*tasks)))
            assert right(await ask(batcher, engine, 9), 9)

        asyncio.run(go())
        assert counted(batcher, "busy") == 1


def test_who_hangs_up_is_dropped_before_the_batch_and_breaks_nothing() -> None:
    engine = Engine()
    with batching(batch=4) as batcher:

        async def go() -> None:
            engine.free.clear()
            tasks = [asyncio.create_task(ask(batcher, engine, 0))]
            await began(engine)
            tasks += [asyncio.create_task(ask(batcher, engine, n)) for n in range(1, 6)]
            await asyncio.sleep(0.05)
            # Also the one that the engine has in hand, whose result nobody awaits any more.
            for n in (0, 2, 4):
                tasks[n].cancel()
            await asyncio.sleep(0.05)
            engine.free.set()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, False] * 3
            assert all(right(done[n], n) for n in (1, 3, 5))

        asyncio.run(go())
    assert engine.batches == [[0], [1, 3, 5]]


def test_a_poisoned_batch_costs_the_culprit_alone() -> None:
    engine = Engine()

    def fail(items: Sequence[Any]) -> None:
        if 3 in items:
            raise ValueError("bad /home/somebody/picture")
        if 4 in items:
            raise NoTextTower("no words here")

    engine.fail = fail
    with batching() as batcher:

        async def go() -> None:
            _, done = await held(batcher, engine, ask_all(batcher, engine, range(6)))
            assert all(right(done[n], n) for n in (0, 1, 2, 5))
            assert (done[3].status, done[3].code) == (500, "encoding_failed")
            assert "home" not in str(done[3])
            assert isinstance(done[4], NoTextTower)

        asyncio.run(go())
    assert engine.batches[2:] == [[n] for n in range(6)]


@pytest.mark.parametrize("kind", [MemoryError, OutOfMemoryError])
def test_where_memory_ends_the_batch_is_halved(kind: type[Exception]) -> None:
    engine = Engine()

    def fail(items: Sequence[Any]) -> None:
        if len(items) > 2 or 7 in items:
            raise kind("no memory")

    engine.fail = fail
    with batching() as batcher:

        async def go() -> None:
            _, done = await held(batcher, engine, ask_all(batcher, engine, range(8)))
            assert all(right(done[n], n) for n in range(7))
            assert (done[7].status, done[7].code) == (503, "no_memory")

        asyncio.run(go())
    assert [len(batch) for batch in engine.batches] == [1, 8, 4, 2, 2, 4, 2, 2, 1, 1]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 1.5])
def test_what_is_no_unit_vector_is_an_error_of_that_item(wrong: float) -> None:
    def engine(items: Sequence[Any]) -> np.ndarray:
        vectors = np.zeros((len(items), 4), np.float32)
        vectors[:, 0] = [wrong if item == 2 else 1.0 for item in items]
        return vectors

    with batching() as batcher:
        done = asyncio.run(ask_all(batcher, engine, range(4)))
    assert [isinstance(one, ServiceError) and one.code == "encoding_failed" for one in done] == [
        False, False, True, False,
    ]  # fmt: skip


def test_too_few_vectors_are_an_error() -> None:
    with batching() as batcher:
        done = asyncio.run(ask_all(batcher, lambda items: np.ones((0, 4)), [1, 2]))
    assert [one.code for one in done] == ["encoding_failed"] * 2


class Panic(BaseException):
    """As libraries in other languages raise it, past every `except Exception`."""


@pytest.mark.parametrize("kind", [Panic, SystemExit, KeyboardInterrupt])
def test_the_thread_survives_what_is_no_exception(kind: type[BaseException]) -> None:
    engine = Engine()

    def fail(items: Sequence[Any]) -> None:
        raise kind("all is lost")

    engine.fail = fail
    with batching() as batcher:
        done = asyncio.run(ask_all(batcher, engine, [1, 2]))
        assert [one.code for one in done] == ["encoding_failed"] * 2
        engine.fail = lambda items: None
        assert right(asyncio.run(ask(batcher, engine, 3)), 3)


def test_vectors_of_anything_but_numbers_are_an_error() -> None:
    def engine(items: Sequence[Any]) -> np.ndarray:
        return np.array([["no", "number"]] * len(items), dtype=object)

    with batching() as batcher:
        done = asyncio.run(ask_all(batcher, engine, [1, 2]))
        assert [one.code for one in done] == ["encoding_failed"] * 2
        assert right(asyncio.run(ask(batcher, Engine(), 3)), 3)


def test_an_engine_that_hangs_is_noticed_and_comes_back() -> None:
    engine = Engine()
    with batching(stall=0.2, deadline=0.6) as batcher:

        async def go() -> None:
            assert not batcher.stalled
            engine.free.clear()
            first = asyncio.create_task(ask(batcher, engine, 1))
            await began(engine)
            with anyio.fail_after(60):
                while not batcher.stalled:
                    await asyncio.sleep(0.01)
            with pytest.raises(ServiceError) as refused:
                await ask(batcher, engine, 2)
            assert refused.value.status == 503
            with pytest.raises(ServiceError) as late:
                await first
            assert (late.value.status, late.value.code) == (504, "deadline")
            assert batcher.stalled
            engine.free.set()
            with anyio.fail_after(60):
                while batcher.stalled:
                    await asyncio.sleep(0.01)
            assert right(await ask(batcher, engine, 3), 3)

        asyncio.run(go())
        assert (counted(batcher, "stalled"), counted(batcher, "deadline")) == (1, 1)


def test_what_is_too_late_is_not_encoded() -> None:
    engine = Engine()
    with batching(deadline=0.3) as batcher:

        async def go() -> None:
            engine.free.clear()
            tasks = [asyncio.create_task(ask(batcher, engine, n)) for n in range(3)]
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [one.status for one in done] == [504] * 3  # type: ignore[union-attr]
            assert batcher.queued == 0
            engine.free.set()
            assert right(await ask(batcher, engine, 9), 9)

        asyncio.run(go())
    assert [item for batch in engine.batches for item in batch if item in (1, 2)] in ([], [1], [1, 2])
    assert engine.batches[-1] == [9]


def test_closing_finishes_what_was_admitted() -> None:
    engine = Engine()
    with batching(batch=2) as batcher:

        async def go() -> None:
            engine.free.clear()
            tasks = [asyncio.create_task(ask(batcher, engine, n)) for n in range(5)]
            await began(engine)
            closing = asyncio.create_task(anyio.to_thread.run_sync(batcher.close))
            await asyncio.sleep(0.05)
            with pytest.raises(ServiceError) as refused:
                await ask(batcher, engine, 9)
            assert refused.value.status == 503
            engine.free.set()
            assert all(right(vector, n) for n, vector in enumerate(await asyncio.gather(*tasks)))
            await closing

        asyncio.run(go())
    assert not batcher._thread.is_alive()


def test_closing_does_not_wait_for_ever() -> None:
    engine = Engine()
    batcher = Batcher(Limits(deadline=30), Metrics())

    async def go() -> None:
        engine.free.clear()
        tasks = [asyncio.create_task(ask(batcher, engine, 0))]
        await began(engine)
        tasks.append(asyncio.create_task(ask(batcher, engine, 1)))
        await asyncio.sleep(0.05)
        await anyio.to_thread.run_sync(batcher.close, 0.1)
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        engine.free.set()
        assert right(await tasks[0], 0)

    asyncio.run(go())


def test_the_engine_sees_one_thread_only() -> None:
    engine = Engine()
    with batching(searches=200) as batcher:
        done = asyncio.run(ask_all(batcher, engine, range(100)))
        assert all(right(vector, n) for n, vector in enumerate(done))
        assert engine.threads == {batcher._thread.ident}


def test_a_storm_of_callers_who_hang_up_leaves_nothing_behind() -> None:
    engine = Engine()
    with batching(searches=500) as batcher:

        async def go() -> None:
            tasks = [asyncio.create_task(ask(batcher, engine, n)) for n in range(300)]
            for n, task in enumerate(tasks):
                if n % 3 == 0:
                    await asyncio.sleep(0)
                    task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(right(vector, n) for n, vector in enumerate(done) if n % 3)
            assert (batcher.queued, set(batcher._searches.values())) == (0, {0})

        asyncio.run(go())
