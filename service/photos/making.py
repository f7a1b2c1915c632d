"""Make things in the background of searches: each once, however many ask for it, and on what searches leave of the CPU.

Threads of low priority use all cores while nobody searches, and give way at once to whoever does. Where threads have no
priority of their own, half the cores must do.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

# Threads at +10 get a tenth of what others get, and not so little that one stays away for long with Python's lock.
_NICE = 10
_HAS_PRIORITIES = sys.platform == "linux"


class Maker:
    """For one event loop."""

    def __init__(self) -> None:
        cores = os.cpu_count() or 1
        threads = cores if _HAS_PRIORITIES else max(1, cores // 2)
        self._pool = ThreadPoolExecutor(threads, "making", initializer=_step_back)
        self._jobs: dict[Hashable, _Job] = {}

    async def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns; those who ask for the same key meanwhile get the same.

        When all of them are gone and it was not started, it is not made.
        """
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = _Job(self._pool.submit(make))
            job.future.add_done_callback(lambda _: self._jobs.pop(key, None))
        job.waiting += 1
        try:
            result: T = await asyncio.shield(asyncio.wrap_future(job.future))
        finally:
            job.waiting -= 1
            if not job.waiting:
                job.future.cancel()
        return result

    def close(self) -> None:
        """Start nothing more, and do not wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Job:
    def __init__(self, future: Future[Any]) -> None:
        self.future = future
        self.waiting = 0


def _step_back() -> None:
    if _HAS_PRIORITIES:
        with contextlib.suppress(OSError):
            here = threading.get_native_id()
            # Added to what the process has, which somebody may have chosen.
            os.setpriority(os.PRIO_PROCESS, here, min(19, os.getpriority(os.PRIO_PROCESS, here) + _NICE))
