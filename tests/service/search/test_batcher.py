"""The batcher's nine properties, with engines that do what engines do at their worst."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from model import NoTextTower
from service.problems import ServiceError
from tests.kit.service.batching import (
    Engine,
    OutOfMemoryError,
    ask,
    ask_all,
    batching,
    began,
    counted,
    held,
    right,
)


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
