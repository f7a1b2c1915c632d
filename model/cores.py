"""How many processor cores this process may use: those that the system gives it, or fewer if it shares a machine."""

import os

_most: int | None = None


def use_at_most(cores: int) -> None:
    """Leave the other cores to others; call this before numeric libraries are loaded."""
    global _most
    _most = cores
    # Of torch and numpy; OpenVINO has an option of its own.
    os.environ.setdefault("OMP_NUM_THREADS", str(cores))


def limit() -> int | None:
    """What `use_at_most` was told; None without it."""
    return _most


def usable() -> int:
    # In a job of Slurm, or under taskset, a process may run on some of the cores only.
    given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(given, _most or given)
