"""Decoder processes, one for each thread that asks: what kills a decoder costs the file that did it, and no more."""

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

# Progressive JPEGs of thousands of scans are a few kilobytes that decode for hours.
SECONDS = 60.0
# So many processes may hang in one photo folder's drive, which cannot be killed, before its files are left alone.
MOST_STUCK = 3
# How long a killed process may take to be gone.
_DYING = 5.0
# Pixels in decoding at a time, all processes together: so much memory is never taken twice.
BUDGET = PHOTO_CAPS.max_pixels
_START_SECONDS = 120.0
_KILLED = (-signal.SIGKILL, -signal.SIGTERM)
_SHOT = "its decoder was killed, perhaps for lack of memory; the next run tries again"
_LONGEST_ANSWER = 1 << 16


@dataclass(frozen=True)
class Read:
    """A file that was read but not decoded yet, as it was then."""

    content: str
    bytes: int
    mtime_ns: int
    ctime_ns: int
    pixels: int


@dataclass(frozen=True)
class Picture:
    """A decoded photo: its full size, what the model wants to see of it, what its EXIF says, its thumbnail's bytes."""

    size: tuple[int, int]
    pixels: Pixels
    metadata: Metadata
    thumbnail: int


class Workers:
    """Starts a process for each thread at its first file, and another one wherever one died."""

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
        """Reads a file in this thread's process. Raises BadImage, or Unreadable where a later run may have luck."""
        if len(self._stuck.get(root, ())) >= MOST_STUCK:
            raise Unreadable("not tried, for its drive does not answer; see to the drive and run again")
        place, worker = json.dumps({"root": str(root), "relative": relative}).encode(), self._worker()
        try:
            return Read(**worker.ask(place, self._seconds, busy="reading"))
        except BadImage:
            if worker.stuck:
                with self._lock:
                    self._stuck.setdefault(root, []).append(worker)
            raise

    def drop(self) -> None:
        """What was read last need not be decoded."""
        self._worker().say(b"drop")

    def describe(self) -> Metadata:
        """The EXIF of what was read last, which need not be decoded."""
        return Metadata(**self._worker().ask(b"describe", self._seconds, busy="reading"))

    def decode(self, read: Read) -> Picture:
        """Decodes what this thread's process has read last, and writes its thumbnail."""
        with self._budget.share(read.pixels):
            worker = self._worker()
            answer = worker.ask(b"decode", self._seconds, busy="decoding")
            (width, height), metadata = answer["size"], Metadata(**answer["metadata"])
            shape = (self._size, self._size, 3)
            pixels = np.frombuffer(worker.receive(), np.uint8).reshape(shape)
            return Picture((width, height), pixels, metadata, answer["thumbnail"])

    def close(self) -> None:
        """Ends all processes now, whatever they are at."""
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
        told = json.dumps(
            {
                "size": size,
                "preprocessing": how.described(),
                "thumbnails": str(thumbnails),
                "parent": os.getpid(),
            }
        )
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                # -P: the folder that one happens to be in, perhaps of photos, is no place to find modules in.
                [sys.executable, "-P", "-m", "indexer.decoding.process", str(theirs.fileno()), told],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                # Ctrl-C goes to a whole group of processes; this one is to finish its photo.
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
            raise Unreadable(_SHOT)
        self.kill()
        with self._errors:
            said = self._errors.read().decode(errors="replace").strip().splitlines()
        raise IndexProblem(f"the decoder process does not start: {said[-1] if said else 'it says nothing'}")

    def ask(self, question: bytes, seconds: float, busy: str) -> dict[str, Any]:
        """The answer; raises BadImage where the file was refused, or did something to the process."""
        before = self._worked()
        try:
            self._pipe.send_bytes(question)
            if not self._pipe.poll(seconds):
                worked = self._worked() - before
                self.kill()
                raise _given_up(busy, seconds, worked)
            answer: dict[str, Any] = json.loads(self._pipe.recv_bytes(_LONGEST_ANSWER))
        except (EOFError, ConnectionError):
            raise self._post_mortem(busy) from None
        if "oserror" in answer:
            raise OSError(*answer["oserror"][:2], answer["oserror"][2])
        if "refused" in answer:
            raise (Unreadable if answer["later"] else BadImage)(answer["refused"])
        return answer

    def say(self, word: bytes) -> None:
        with suppress(OSError):
            self._pipe.send_bytes(word)

    def receive(self) -> bytes:
        try:
            return self._pipe.recv_bytes()
        except (EOFError, ConnectionError):
            raise self._post_mortem("decoding") from None

    def dead(self) -> bool:
        return self._killed or self._process.poll() is not None

    @property
    def stuck(self) -> bool:
        """Killed, and there all the same."""
        return self._killed and self._process.poll() is None

    def kill(self, wait: float | None = None) -> None:
        """Ends it, and the waiting of whoever asked it something."""
        self._killed = True
        self._process.kill()
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()
        # One that hangs in a drive that does not answer cannot even be killed; it ends when the drive does.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING if wait is None else wait)

    def _worked(self) -> float:
        """Seconds of a processor that it has taken so far; where nobody tells, as if it never rested."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _post_mortem(self, busy: str) -> BadImage:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING)
        code = self._process.returncode
        if busy == "reading":
            return Unreadable("the process that read it died; the next run tries again")
        if code in _KILLED:
            return Unreadable(_SHOT)
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
        return BadImage(f"it crashes the decoder ({how}); export it again")


def _given_up(busy: str, seconds: float, worked: float) -> BadImage:
    if busy == "reading":
        return Unreadable(f"cannot be read within {seconds:g} s; the next run tries again")
    if worked < seconds / 2:
        # Stopped, or kept from working by others: no fault of the photo.
        return Unreadable(
            f"cannot be decoded within {seconds:g} s on a busy machine; the next run tries again"
        )
    return BadImage(f"cannot be decoded within {seconds:g} s; export it again")


def _environment() -> dict[str, str]:
    """That of this process, with the places that modules are found in; numpy needs no threads of its own there."""
    places = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": places, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
