"""Signals that come while the service starts: SIGHUP is kept for later, SIGTERM ends it without a trace."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from indexer import Silent, run
from tests.kit import TOP
from tests.kit.jobs import Job
from tests.kit.shapes import picture
from tests.kit.waiting import until


@contextmanager
def starting(index: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`sketchseek serve` that has taken its port, and is about to load all that it needs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "service.cli", "serve", "--index", str(index), "--port", str(port)]
    # Nothing is taken up but by the signal.
    command = ["env", "SKETCHSEEK_REFRESH_SECONDS=3600", *command]
    process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: _taken(port), 30)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate(timeout=20)


def _taken(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _has_opened(pid: int, name: str) -> bool:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if link.readlink().name == name:
                return True
    return False


@pytest.fixture
def index(job: Job, library: Path) -> Path:
    job(library)
    return job.index


def test_hangups_while_it_starts(index: Path) -> None:
    with starting(index) as (process, url):
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
        assert httpx.get(f"{url}/livez", timeout=60).status_code == 200
        assert process.poll() is None


def test_a_hangup_while_it_starts_is_not_forgotten(job: Job, library: Path, index: Path) -> None:
    """What is published after the index was opened is served, although nobody looks for it by himself."""
    with starting(index) as (process, url):
        until(lambda: _has_opened(process.pid, "photos.sqlite"), 30)
        process.send_signal(signal.SIGSTOP)
        picture("star", 77).save(library / "new.png")
        run(index, [library], job.encoder, Silent())
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGCONT)
        until(lambda: httpx.get(f"{url}/readyz", timeout=60).json()["photos"] == 16, 60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_it_starts_leaves_no_trace(index: Path, number: signal.Signals) -> None:
    with starting(index) as (process, _):
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + number, "Stopped.\n")
