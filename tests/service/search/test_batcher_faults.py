"""The batcher with engines that return nonsense, hang, panic or end with the service."""

import asyncio
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from service.ops.metrics import Metrics
from service.problems import ServiceError
from service.search.batcher import Batcher, Limits
from tests.kit.service.batching import (
    Engine,
    ask,
    ask_all,
    batching,
    began,
    counted,
    right,
)


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
