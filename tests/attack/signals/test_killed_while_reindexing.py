"""A service that is killed while its index job runs: the job ends, its lock is free, and all starts again."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from indexer import Published
from model import Encoder
from tests.kit import TOP
from tests.kit.kills import decoders
from tests.kit.service.commands import Serving, sketchseek
from tests.kit.shapes import picture
from tests.kit.waiting import until

WATCHED = (
    "import signal, time; {}; "
    "from service.library.supervised import end_with_stdin; end_with_stdin({}); time.sleep(600)"
)


def is_there(pid: int) -> bool:
    """Whether it lives; one that nobody has waited for does not."""
    try:
        return not re.search(r"^State:\s+[ZX]", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except FileNotFoundError:
        return False


def worker(index: Path) -> int | None:
    found = re.search(r"process (\d+)", (index / "LOCK").read_text(errors="replace"))
    return int(found[1]) if found else None


def test_the_job_ends_with_a_service_that_is_killed(
    index: Path,
    library: Path,
    encoder: Encoder,
) -> None:
    for seed in range(24):
        picture("star", 100 + seed).save(library / f"new {seed}.png")
    server = Serving("--index", index)
    until(lambda: httpx.post(f"{server.url}admin/reindex").status_code == 202)
    until(lambda: worker(index) is not None)
    job = worker(index)
    assert job is not None
    # So that it does not end by itself before there is nobody to tell.
    os.kill(job, signal.SIGSTOP)
    server.process.kill()
    server.process.communicate()
    assert is_there(job)
    os.kill(job, signal.SIGCONT)
    until(lambda: not is_there(job), 60)
    until(lambda: not decoders(job), 60)
    # What it did is kept or done again, and what is served is whole.
    Published.open(index, encoder.fingerprint).close()
    done = sketchseek("index", "--index", index)
    assert done.returncode == 0, done.stderr
    assert "with 39 photos" in done.stdout
    again = Serving("--index", index)
    until(lambda: httpx.get(f"{again.url}readyz").json()["photos"] == 39)
    until(lambda: httpx.post(f"{again.url}admin/reindex").status_code == 202)
    again.stop(signal.SIGTERM)


@pytest.mark.parametrize(
    ("patience", "does", "ends"),
    [
        (600, "pass", signal.SIGTERM),
        (0.2, "signal.signal(signal.SIGTERM, signal.SIG_IGN)", signal.SIGKILL),
    ],
    ids=["silent", "deaf"],
)
def test_a_job_that_says_nothing_ends_too(patience: float, does: str, ends: signal.Signals) -> None:
    """Who writes to a service that is gone notices; who has nothing to say for long, or hangs, does not."""
    script = WATCHED.format(does, patience)
    job = subprocess.Popen([sys.executable, "-c", script], cwd=TOP, stdin=subprocess.PIPE)
    assert job.stdin is not None
    job.stdin.close()
    assert job.wait(30) == -ends
