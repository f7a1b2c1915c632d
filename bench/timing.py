"""Timing for the benchmarks: warm-up, many repeats, the median and the best."""

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timing:
    """Milliseconds."""

    median: float
    best: float

    def __str__(self) -> str:
        return f"{self.median:8.2f} ms (best {self.best:.2f})"


def measure(work: Callable[[], object], *, seconds: float = 3.0, warm_up: int = 3) -> Timing:
    for _ in range(warm_up):
        work()
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 5:
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return Timing(statistics.median(taken), min(taken))


def processor() -> str:
    """The name of the processor, if the system tells it."""
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
