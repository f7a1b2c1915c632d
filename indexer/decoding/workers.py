"""Decoder processes, one per calling thread: a file that kills its decoder affects no other file."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from indexer.decoding.budget import Budget
from indexer.decoding.metadata import Metadata
from indexer.errors import IndexProblem
from model import PHOTO_CAPS, BadImage, Unreadable
from model.modality import Pixels
from model.pictures.preprocessing import STANDARD, Preprocessing

# A progressive JPEG of a few kilobytes can have thousands of scans and decode for hours.
SECONDS = 60.0
# How many unkillable processes may hang on a photo folder's drive before its other files are skipped.
MOST_STUCK = 3
# How long a killed process may take to exit.
_DYING = 5.0
# Pixels being decoded at a time by all processes together, to bound memory.
BUDGET = PHOTO_CAPS.max_pixels
_START_SECONDS = 120.0
_KILLED = (-signal.SIGKILL, -signal.SIGTERM)
_DECODER_KILLED = "its decoder was killed, perhaps because memory ran out; the next run tries again"
_LONGEST_ANSWER = 1 << 16


@dataclass(frozen=True)
class Read:
    """A file that was read but not decoded yet, with its size and times at that moment."""

    content: str
    bytes: int
    mtime_ns: int
    ctime_ns: int
    pixels: int


@dataclass(frozen=True)
class Picture:
    """A decoded photo: full size, the model's pixels, metadata, and the size of its thumbnail in bytes."""

    size: tuple[int, int]
    pixels: Pixels
    metadata: Metadata
    thumbnail: int


class Workers:
    """Starts a process at each thread's first file, and replaces those that die."""

    def __init__(
        self, size: int, thumbnails: Path, seconds: float = SECONDS, how: Preprocessing = STANDARD
    ) -> None:
        """`how`: photos are made ready for a model that wants them so, `size` pixels a side."""
        self._size = size
        self._how = how
        self._thumbnails = thumbnails
        self._seconds = seconds
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._started: list[_Worker] = []
        self._stuck: dict[Path, list[_Worker]] = {}
        self._closed = False
        self._budget = Budget(BUDGET)

    def read(self, root: Path, relative: str) -> Read:
        """Read a file in this thread's process. Raises BadImage, or Unreadable if a later run may succeed."""
        if len(self._stuck.get(root, ())) >= MOST_STUCK:
            raise Unreadable("not tried: its drive does not answer; check the drive and run again")
        place, worker = json.dumps({"root": str(root), "relative": relative}).encode(), self._worker()
        try:
            return Read(**worker.ask(place, self._seconds, busy="reading"))
        except BadImage:
            if worker.stuck:
                with self._lock:
                    self._stuck.setdefault(root, []).append(worker)
            raise

    def drop(self) -> None:
        """Skip decoding the file that was read last."""
        self._worker().send(b"drop")

    def describe(self) -> Metadata:
        """Return the metadata of the file that was read last, without decoding it."""
        return Metadata(**self._worker().ask(b"describe", self._seconds, busy="reading"))

    def decode(self, read: Read) -> Picture:
        """Decode the file that this thread's process read last, and write its thumbnail."""
        with self._budget.share(read.pixels):
            worker = self._worker()
            answer = worker.ask(b"decode", self._seconds, busy="decoding")
            (width, height), metadata = answer["size"], Metadata(**answer["metadata"])
            shape = (self._size, self._size, 3)
            pixels = np.frombuffer(worker.receive(), np.uint8).reshape(shape)
            return Picture((width, height), pixels, metadata, answer["thumbnail"])

    def close(self) -> None:
        """Kill all processes now, whatever they are doing."""
        with self._lock:
            self._closed = True
            for worker in self._started:
                worker.kill(wait=0)
            end = time.monotonic() + _DYING
            for worker in self._started:
                worker.kill(wait=max(0.0, end - time.monotonic()))

    def _worker(self) -> "_Worker":
        worker: _Worker | None = getattr(self._mine, "worker", None)
        if worker is None or worker.dead():
            with self._lock:
                if self._closed:
                    raise Unreadable("the run was stopped")
                if worker is not None:
                    worker.kill(wait=0)
                    self._started.remove(worker)
                worker = self._mine.worker = _Worker(self._size, self._thumbnails, self._how)
                self._started.append(worker)
            worker.wait_until_ready()
        return worker


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, size: int, thumbnails: Path, how: Preprocessing) -> None:
        ours, theirs = socket.socketpair()
        options = json.dumps(
            {
                "size": size,
                "preprocessing": how.described(),
                "thumbnails": str(thumbnails),
                "parent": os.getpid(),
            }
        )
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                # -P: do not import modules from the current folder, which may contain untrusted files.
                [sys.executable, "-P", "-m", "indexer.decoding.process", str(theirs.fileno()), options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                # Ctrl-C goes to a whole process group; this process shall finish its photo.
                process_group=0,
                env=_environment(),
            )
        assert self._process.stderr is not None
        self._errors = self._process.stderr
        self._killed = False
        self._end = ours.dup()
        self._pipe = Connection(ours.detach())

    def wait_until_ready(self) -> None:
        with suppress(EOFError, OSError):
            if self._pipe.poll(_START_SECONDS):
                self._pipe.recv_bytes()
                self._errors.close()
                return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING)
        if self._process.returncode in _KILLED:
            self._errors.close()
            raise Unreadable(_DECODER_KILLED)
        self.kill()
        with self._errors:
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
        raise IndexProblem(
            f"the decoder process does not start: {lines[-1] if lines else 'it printed nothing'}"
        )

    def ask(self, question: bytes, seconds: float, busy: str) -> dict[str, Any]:
        """Return the answer; raises BadImage if the file was refused or broke the process."""
        before = self._cpu_seconds()
        try:
            self._pipe.send_bytes(question)
            if not self._pipe.poll(seconds):
                cpu_seconds = self._cpu_seconds() - before
                self.kill()
                raise _timed_out(busy, seconds, cpu_seconds)
            answer: dict[str, Any] = json.loads(self._pipe.recv_bytes(_LONGEST_ANSWER))
        except (EOFError, ConnectionError):
            raise self._crash(busy) from None
        if "oserror" in answer:
            raise OSError(*answer["oserror"][:2], answer["oserror"][2])
        if "refused" in answer:
            raise (Unreadable if answer["later"] else BadImage)(answer["refused"])
        return answer

    def send(self, word: bytes) -> None:
        with suppress(OSError):
            self._pipe.send_bytes(word)

    def receive(self) -> bytes:
        try:
            return self._pipe.recv_bytes()
        except (EOFError, ConnectionError):
            raise self._crash("decoding") from None

    def dead(self) -> bool:
        return self._killed or self._process.poll() is not None

    @property
    def stuck(self) -> bool:
        """Whether it was killed and is still running."""
        return self._killed and self._process.poll() is None

    def kill(self, wait: float | None = None) -> None:
        """Kill the process, and unblock whoever waits for its answer."""
        self._killed = True
        self._process.kill()
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()
        # A process that hangs on a drive cannot be killed until the drive answers.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING if wait is None else wait)

    def _cpu_seconds(self) -> float:
        """CPU seconds used so far; if unknown, as if it had never been idle."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _crash(self, busy: str) -> BadImage:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING)
        code = self._process.returncode
        if busy == "reading":
            return Unreadable("the process reading it died; the next run tries again")
        if code in _KILLED:
            return Unreadable(_DECODER_KILLED)
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
        return BadImage(f"it crashes the decoder ({how}); export it again")


def _timed_out(busy: str, seconds: float, cpu_seconds: float) -> BadImage:
    if busy == "reading":
        return Unreadable(f"cannot be read within {seconds:g} s; the next run tries again")
    if cpu_seconds < seconds / 2:
        # The process was stopped or starved, which is not the photo's fault.
        return Unreadable(
            f"cannot be decoded within {seconds:g} s on a busy machine; the next run tries again"
        )
    return BadImage(f"cannot be decoded within {seconds:g} s; export it again")


def _environment() -> dict[str, str]:
    """The environment of this process, with its module path; numpy needs no threads of its own there."""
    paths = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
