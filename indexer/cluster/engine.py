"""Ray in a process of its own, `indexer.cluster.ray`, which this one talks to in lines of JSON.

Ray ends its process when it loses its cluster, may wait for ever for one that does not answer, and has handlers for
signals and logs of its own. Here, all of that is a process that answers or does not.
"""

import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from indexer.cluster.child import PATIENCE, News, Outcome
from indexer.errors import ClusterProblem
from indexer.folders.partition import Partition

# Seconds until the cluster answers; until its nodes have said what they lack; and until all that runs has ended.
_CONNECT, _CHECK, _STOP = 45.0, 120.0, PATIENCE + 30
_CLOSE, _HEARD = 10.0, 2.0
# Of what Ray says last.
_LONGEST = 300
COMMAND = ("-P", "-m", "indexer.cluster.ray")


@dataclass(frozen=True)
class Request:
    """What a cluster is asked for. Every node that is to work needs the same version, the photos, the folder of the
    parts (`token` is a file in it), and the model."""

    address: str
    cpus_per_part: int | None
    photos: tuple[str, ...]
    token: str
    model: str
    version: str


@dataclass(frozen=True)
class Offer:
    """What there is: nodes to work, CPUs for each part, and how many parts run at a time; `unfit` says which nodes
    lack what."""

    nodes: int
    cpus_per_part: int
    slots: int
    unfit: tuple[str, ...] = ()


class Arguments(Protocol):
    """What a node's Python is to be called with, to embed a part with so many CPUs."""

    def __call__(self, part: Partition, cpus: int) -> Sequence[str]: ...


class _Lost(ClusterProblem):
    """The process ended by itself, as Ray lets it end when it loses its cluster."""


class Engine:
    """An Executor on a Ray cluster; a context manager. Raises ClusterProblem if the cluster is lost."""

    def __init__(self, request: Request, arguments: Arguments, *, command: Sequence[str] = COMMAND) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ClusterProblem("--ray needs the package ray: pip install 'sketchseek[ray]'")
        self._address, self._arguments = request.address, arguments
        self._parts: dict[int, Partition] = {}
        self._news: dict[Partition, News] = {}
        self._held_up = ""
        self._said: deque[str] = deque(maxlen=20)
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._process = _started(command)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._threads = (self._listener, threading.Thread(target=self._read, daemon=True))
        for thread in self._threads:
            thread.start()
        try:
            self.offer = self._connect(request)
        except BaseException:
            self._end(0)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(_CLOSE)

    def start(self, part: Partition) -> None:
        self._parts[part.number] = part
        self._send(start=part.number, arguments=list(self._arguments(part, self.offer.cpus_per_part)))

    def ended(self, seconds: float) -> Mapping[Partition, Outcome]:
        found: dict[Partition, Outcome] = {}
        until = time.monotonic() + seconds
        while (event := self._next(0.0 if found else max(0.0, until - time.monotonic()))) is not None:
            if event["event"] == "ended":
                part = self._parts[event["part"]]
                self._news.pop(part, None)
                found[part] = Outcome.parse(event["outcome"])
            elif event["event"] == "news":
                self._news = {self._parts[int(number)]: News(**one) for number, one in event["parts"].items()}
                self._held_up = event["held_up"]
        return found

    def news(self) -> Mapping[Partition, News]:
        return self._news

    def held_up(self) -> str:
        return self._held_up

    def stop(self) -> None:
        self._send(stop=True)
        until = time.monotonic() + _STOP
        while (event := self._next(max(0.0, until - time.monotonic()))) is not None:
            if event["event"] == "stopped":
                return

    def _connect(self, request: Request) -> Offer:
        self._send(**asdict(request))
        try:
            reached = self._next(_CONNECT)
        except _Lost:
            reached = None
        if reached is None:
            raise ClusterProblem(
                f"the Ray cluster at {request.address} does not answer: run this on one of its nodes, or give "
                "ray://HOST:10001, its client server; ray status says whether it is up. If Ray took an address that "
                "lets no traffic through, start its nodes with another --node-ip-address"
            )
        if (event := self._next(_CHECK)) is None:
            raise ClusterProblem(
                f"the nodes of the Ray cluster at {request.address} run no tasks; see ray status"
            )
        del event["event"]
        return Offer(**{**event, "unfit": tuple(event["unfit"])})

    def _next(self, seconds: float) -> dict[str, Any] | None:
        """The next event, or None if there is none for so long."""
        try:
            event = self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
        except queue.Empty:
            return None
        if event is None:
            # For whoever asks again.
            self._events.put(None)
            last = f" ({self._said[-1][:_LONGEST]})" if self._said else ""
            raise _Lost(
                f"lost the Ray cluster at {self._address}{last}. Finished work is kept; once ray status finds it "
                "again, run the same command to continue"
            )
        if event["event"] == "failed":
            raise ClusterProblem(event["error"])
        return event

    def _send(self, **command: object) -> None:
        assert self._process.stdin is not None
        # If it ended, what it said last comes out of the queue of events.
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):
                    self._events.put(json.loads(line))
        self._process.wait()
        # What it said last, unless a process that outlives it holds its standard error open.
        self._listener.join(_HEARD)
        self._events.put(None)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            self._said.extend(line.decode("utf-8", "replace").strip() for line in lines)

    def _end(self, patience: float) -> None:
        """Without its input, the process ends whatever still runs, and itself."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(_CLOSE)


def _started(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    top = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [top, os.environ.get("PYTHONPATH")]))
    # In a session of its own: Ctrl-C is for this process, which then stops what runs.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"},
    )
