"""While searches are answered, numpy starts no threads: they would spin and take the model's core."""

import os
import subprocess
import sys

import pytest

from tests.kit import TOP

SCRIPT = """
import os
from pathlib import Path
from service.cli import main
main.get_command(None, {command!r})
import numpy as np
square = np.ones((600, 600), dtype=np.float32)
square @ square
print(len(list(Path("/proc/self/task").iterdir())))
from service.library.reindex import _environment
print(_environment().get("OPENBLAS_NUM_THREADS"))
"""


def _run(command: str, **environment: str) -> list[str]:
    plain = {name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name}
    script = SCRIPT.format(command=command)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=TOP,
        env=plain | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core needs no threads")
@pytest.mark.parametrize("command", ["serve", "search"])
def test_products_run_in_the_thread_that_needs_them(command: str) -> None:
    threads, for_jobs = _run(command)
    assert int(threads) == 1
    assert for_jobs == "None"  # an index run compares photos in all threads


def test_what_the_user_sets_stays() -> None:
    assert _run("serve", OPENBLAS_NUM_THREADS="2")[1] == "2"
