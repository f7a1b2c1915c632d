"""Decoders that hang: stopped, or in a drive that does not answer. The run gives up on the file, and goes on."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from indexer.decoding.workers import MOST_STUCK, Workers
from model import BadImage, Encoder, Unreadable
from tests.kit import TOP
from tests.kit.jobs import Job
from tests.kit.kills import decoders
from tests.kit.pictures import encoded, photo
from tests.kit.standin import StandIn, contents, write_photo
from tests.kit.waiting import until

# Files of these names stop their decoder: while it reads, or while it decodes.
_SABOTAGE = """
import os, signal, sys
from PIL import Image
whole, opened = Image.open, os.open
def reading(path, *arguments, **options):
    if str(path).startswith("hang"):
        os.kill(os.getpid(), signal.SIGSTOP)
    return opened(path, *arguments, **options)
def decoding(file, *arguments, **options):
    if b"STOP" in file.getvalue():
        os.kill(os.getpid(), signal.SIGSTOP)
    return whole(file, *arguments, **options)
if "indexer.decoding.process" in sys.orig_argv:
    os.open, Image.open = reading, decoding
"""


@pytest.fixture(autouse=True)
def _sabotage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sabotage").mkdir()
    (tmp_path / "sabotage" / "sitecustomize.py").write_text(_SABOTAGE)
    monkeypatch.syspath_prepend(tmp_path / "sabotage")


@pytest.fixture
def encoder() -> Encoder:
    return cast(Encoder, StandIn())


@pytest.fixture
def job(tmp_path: Path, encoder: Encoder) -> Job:
    """With its decoder processes."""
    return Job(tmp_path / "index", encoder)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(6):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    return tmp_path / "photos"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Workers.__init__

    def begin(self: Workers, size: int, thumbnails: Path, **rest: Any) -> None:
        whole(self, size, thumbnails, **(rest | {"seconds": 1.5}))

    monkeypatch.setattr(Workers, "__init__", begin)


@pytest.mark.usefixtures("impatient")
def test_a_run_goes_on_beyond_files_that_hang(job: Job, photos: Path) -> None:
    good = contents(photos)
    write_photo(photos / "hang.png", 50)
    (photos / "stop.jpg").write_bytes(encoded(photo(), "JPEG", comment="STOP"))
    report = job(photos)
    assert report.photos == len(good)
    reasons = {bad.path.name: bad.reason for bad in report.skipped}
    assert reasons.keys() == {"hang.png", "stop.jpg"}
    assert all("the next run tries again" in reason for reason in reasons.values())
    left = decoders(os.getpid())
    until(lambda: not left & decoders(os.getpid()))


@pytest.mark.usefixtures("impatient")
def test_a_good_photo_is_not_blamed_for_a_decoder_that_was_stopped(
    job: Job, photos: Path, tmp_path: Path
) -> None:
    (photos / "stop.jpg").write_bytes(encoded(photo(), "JPEG", comment="STOP"))
    job(photos)
    sys.path.remove(str(tmp_path / "sabotage"))
    assert job(photos).added == 1


@pytest.fixture
def undying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stands for a process that waits for a drive in the kernel: no signal ends it."""
    killed: list[subprocess.Popen[bytes]] = []
    with monkeypatch.context() as patched:
        patched.setattr("indexer.decoding.workers._DYING", 0.2)
        patched.setattr(subprocess.Popen, "kill", lambda process: killed.append(process))
        yield
    for process in killed:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("undying")
def test_a_drive_that_hangs_costs_few_processes_and_no_other_folder(tmp_path: Path, photos: Path) -> None:
    bad = tmp_path / "bad"
    for number in range(8):
        write_photo(bad / f"hang {number}.png", number)
    workers = Workers(32, tmp_path / "thumbnails", seconds=1)
    try:
        for number in range(MOST_STUCK):
            with pytest.raises(Unreadable, match="cannot be read within 1 s"):
                workers.read(bad, f"hang {number}.png")
            # Whoever comes after it gets a process of his own.
            assert workers.read(photos, "0.png").bytes
            workers.drop()
        before = decoders(os.getpid())
        for number in range(MOST_STUCK, 8):
            with pytest.raises(Unreadable, match="drive does not answer"):
                workers.read(bad, f"hang {number}.png")
        assert decoders(os.getpid()) == before
        assert len(before) <= MOST_STUCK + 1
        assert workers.decode(workers.read(photos, "1.png")).size == (48, 48)
    finally:
        workers.close()


@pytest.mark.usefixtures("undying")
def test_closing_does_not_wait_for_what_hangs(tmp_path: Path, photos: Path) -> None:
    """The thread that waits for the answer is told that there will be none."""
    write_photo(photos / "hang.png", 50)
    workers = Workers(32, tmp_path / "thumbnails", seconds=10**6)
    refused: list[BaseException] = []

    def read() -> None:
        try:
            workers.read(photos, "hang.png")
        except BadImage as error:
            refused.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    until(lambda: any(map(stopped, decoders(os.getpid()))))
    workers.close()
    reading.join(60)
    assert not reading.is_alive()
    assert isinstance(refused[0], Unreadable)


def stopped(process: int) -> bool:
    return "\nState:\tT (stopped)" in Path(f"/proc/{process}/status").read_text()


def test_a_run_is_interrupted_while_a_file_hangs(tmp_path: Path, photos: Path) -> None:
    write_photo(photos / "hang.png", 50)
    script = (
        "import sys; from service.ops import signals; signals.begin(); import model\n"
        "from tests.kit.standin import StandIn; model.Encoder.load = lambda *_, **__: StandIn()\n"
        "from service.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "index", str(photos), "--index", str(tmp_path / "index")]
    places = os.pathsep.join(filter(None, [str(tmp_path / "sabotage"), str(TOP)]))
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": places},
    ) as running:
        until(lambda: any(map(stopped, decoders(running.pid))))
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 143
    assert said.splitlines()[-1].startswith("Stopped.")
    assert not decoders(running.pid)
