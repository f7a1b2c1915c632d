"""LOCK deleted, damaged, or swapped for something else; and those who ask whether a run is at work, all the time."""

import fcntl
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from indexer import IndexBusy, NoIndex, status
from indexer.locking.lock import is_held, reading, writing
from model import Encoder
from tests.kit import TOP
from tests.kit.damage import empty, zero
from tests.kit.jobs import Job
from tests.kit.pictures import jpeg
from tests.kit.privileges import unprivileged
from tests.kit.standin import InThread, StandIn, write_photo

MARK = "sketchseek index"


@pytest.fixture
def encoder() -> Encoder:
    return cast(Encoder, StandIn())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(3):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    return tmp_path / "photos"


@pytest.fixture
def quick(job: Job, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """With an index of three photos."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    job(photos)
    return job


def deleted(lock: Path) -> None:
    lock.unlink()


def garbled(lock: Path) -> None:
    lock.write_bytes(bytes(range(256)) * 40)


def a_folder(lock: Path) -> None:
    lock.unlink()
    lock.mkdir()
    (lock / "somebody's").write_text("own")


def a_link(lock: Path) -> None:
    lock.unlink()
    (lock.parents[1] / "precious").write_text("not to be written to")
    lock.symlink_to(lock.parents[1] / "precious")


def a_dangling_link(lock: Path) -> None:
    lock.unlink()
    lock.symlink_to(lock.parents[1] / "not to be made")


def a_pipe(lock: Path) -> None:
    lock.unlink()
    os.mkfifo(lock)


DAMAGES = [deleted, empty, zero, garbled, a_folder, a_link, a_dangling_link, a_pipe]


@pytest.mark.parametrize("without", ["nothing", "a catalogue", "generations"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_mends_its_lock_and_says_so(
    quick: Job, damage: Callable[[Path], None], without: str, caplog: pytest.LogCaptureFixture
) -> None:
    lock = quick.index / "LOCK"
    damage(lock)
    if without == "a catalogue":
        for path in quick.index.glob("catalogue.sqlite*"):
            path.write_bytes(b"")
            path.unlink()
    elif without == "generations":
        (quick.index / "generations").rename(quick.index.parent / "generations")
        (quick.index / "CURRENT").unlink()
    assert not is_held(quick.index)
    with caplog.at_level(logging.WARNING):
        assert quick(quick.index.parent / "photos").photos == 3
    assert lock.read_text() == MARK
    assert "LOCK" in caplog.text or damage is zero or without == "a catalogue"
    outside = quick.index.parent
    assert not (outside / "not to be made").exists()
    if damage is a_link:
        assert (outside / "precious").read_text() == "not to be written to"
    if damage is a_folder:
        assert (quick.index / "LOCK.aside" / "somebody's").read_text() == "own"
    assert quick().unchanged == 3


def test_a_lock_that_may_not_be_read(quick: Job, photos: Path) -> None:
    (quick.index / "LOCK").chmod(0)
    for path in [quick.index, *quick.index.rglob("*")]:
        if path.is_dir():
            path.chmod(0o777)
        elif path.name != "LOCK":
            path.chmod(0o666)
    with unprivileged():
        assert quick().unchanged == 3
    assert (quick.index / "LOCK").read_text() == MARK


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_folders_of_others_are_not_written_to(
    quick: Job, photos: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """However much they look like an index, and whatever their LOCK is."""
    quick.index = tmp_path / "family"
    for name in ("generations/1950", "generations/000001", "thumbnails", "vectors"):
        (quick.index / name).mkdir(parents=True)
        (quick.index / name / "a.jpg").write_bytes(jpeg())
    for name in ("catalogue.sqlite", "part.json", "generations/000001/manifest.json", "LOCK"):
        (quick.index / name).write_text('{"of": "our family"}')
    (quick.index / "CURRENT").write_text("000001\n")
    damage(quick.index / "LOCK")
    before = sorted(quick.index.rglob("*"))
    with pytest.raises(NoIndex, match="holds other files"):
        quick(photos)
    assert sorted(quick.index.rglob("*")) == before


@pytest.mark.parametrize("what", [garbled, a_folder, a_link, a_dangling_link, a_pipe])
def test_a_lone_thing_called_lock_is_somebodys(
    quick: Job, photos: Path, tmp_path: Path, what: Callable[[Path], None]
) -> None:
    quick.index = tmp_path / "canal"
    quick.index.mkdir()
    (quick.index / "LOCK").write_text("opened by the keeper")
    what(quick.index / "LOCK")
    before = sorted(quick.index.rglob("*"))
    with pytest.raises(NoIndex, match="holds other files"):
        quick(photos)
    assert sorted(quick.index.rglob("*")) == before


@pytest.mark.parametrize("left", [b"", b"sketch", bytes(16), b"sketchseek index: process 1"])
def test_a_first_run_that_died_leaves_a_folder_of_ours(
    quick: Job, photos: Path, tmp_path: Path, left: bytes
) -> None:
    quick.index = tmp_path / "new"
    quick.index.mkdir()
    (quick.index / "LOCK").write_bytes(left)
    assert quick(photos).photos == 3


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_second_writer_though_lock_is_damaged_meanwhile(
    quick: Job, damage: Callable[[Path], None]
) -> None:
    """The lock on the folder holds."""
    with writing(quick.index):
        damage(quick.index / "LOCK")
        with pytest.raises(IndexBusy, match="is indexing here"):
            quick()
    assert quick().unchanged == 3


def test_a_lock_that_is_replaced_while_it_is_taken(quick: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking: what was locked then is nobody else's LOCK any more."""
    lock, flock, locked = quick.index / "LOCK", fcntl.flock, []

    def late(number: int, how: int) -> None:
        if not locked and os.path.samestat(os.fstat(number), lock.stat()):
            locked.append(number)
            lock.rename(quick.index / "old")
            lock.write_text(MARK)
        flock(number, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", late)
        with writing(quick.index):
            assert locked
            with lock.open() as file, pytest.raises(BlockingIOError):
                flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert is_held(quick.index)


_OLD = """
import fcntl, os, sys
with open(sys.argv[1] + "/LOCK", "r+") as file:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.pwrite(file.fileno(), b"sketchseek index: process 1 (since 00:00:00)", 0)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def old_writer(index: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of version 0.1, as far as the lock goes."""
    command = [sys.executable, "-c", _OLD, str(index)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as old:
        try:
            yield old
        finally:
            old.kill()


def test_old_and_new_versions_keep_each_other_out(quick: Job) -> None:
    with old_writer(quick.index) as old:
        assert old.stdout is not None
        assert old.stdout.readline() == "held\n"
        assert is_held(quick.index)
        assert status(quick.index).running
        with pytest.raises(IndexBusy, match="process 1"):
            quick()
    assert not is_held(quick.index)
    with writing(quick.index), old_writer(quick.index) as old:
        assert old.stderr is not None
        assert "BlockingIOError" in old.stderr.read()


def test_asking_takes_nothing(quick: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", lambda *_: pytest.fail("a lock was taken"))
        assert not is_held(quick.index)
    with writing(quick.index), monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", lambda *_: pytest.fail("a lock was taken"))
        assert is_held(quick.index)
        assert status(quick.index).running
    with reading(quick.index):
        assert not is_held(quick.index)


def _ask(index: Path, over: threading.Event) -> None:
    while not over.is_set():
        is_held(index)


def _ask_as_before(index: Path, over: threading.Event) -> None:
    while not over.is_set():
        with (index / "LOCK").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                continue


@pytest.mark.parametrize("ask", [_ask, _ask_as_before])
def test_a_thousand_runs_beside_those_who_ask(
    quick: Job, ask: Callable[[Path, threading.Event], None]
) -> None:
    over = threading.Event()
    asking = [threading.Thread(target=ask, args=(quick.index, over)) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        for _ in range(1000):
            with writing(quick.index):
                pass
    finally:
        over.set()
        for thread in asking:
            thread.join()


def test_a_lock_left_by_a_run_that_was_killed_holds_nobody_up(quick: Job) -> None:
    script = "import os, sys; from pathlib import Path; from indexer.locking.lock import writing\n"
    script += "with writing(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(quick.index)], cwd=TOP, check=False)
    assert "process" in (quick.index / "LOCK").read_text()
    assert not is_held(quick.index)
    over = threading.Event()
    asking = threading.Thread(target=_ask, args=(quick.index, over))
    asking.start()
    try:
        assert quick().unchanged == 3
    finally:
        over.set()
        asking.join()
