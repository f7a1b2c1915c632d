"""Run `sketchseek index` in a separate process, one at a time, and report its progress."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indexer.reports.report import skipped_total
from service.ops import threads
from service.ops.logging import without_paths
from service.schemas import Indexing
from service.settings import Settings

log = logging.getLogger("sketchseek")
# Longer than any line of the job: a report lists only the first skipped files.
_LINE = 2**20
_TAIL = 20
_NICE, _NICEST = 10, 19
_END = {"done": "done", "failed": "failed", "stopped": "stopped"}


@dataclass(frozen=True)
class Asked:
    """What a job is to do: add folders (none: update those of earlier runs), and forget some.

    In the `background`, it leaves disk and processor to everybody else.
    """

    add: Sequence[Path] = ()
    forget: Sequence[Path] = ()
    background: bool = False


class Reindex:
    """Call all methods from the event loop's thread."""

    def __init__(self, settings: Settings, finished: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._settings = settings
        self._finished = finished
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._state = Indexing(state="never")
        self._asked, self._stopping = Asked(), False

    @property
    def state(self) -> Indexing:
        return self._state.model_copy(update={"tail": list(self._tail)})

    @property
    def running(self) -> bool:
        return self._watcher is not None and not self._watcher.done()

    async def start(self, asked: Asked | None = None) -> None:
        """Start the job; the caller has checked that none is running."""
        self._asked, self._stopping = asked or Asked(), False
        self._tail.clear()
        self._process = None
        self._state = Indexing(state="running", started=_now())
        self._watcher = asyncio.create_task(self._run())

    async def stop(self, patience: float = 10.0) -> None:
        """Ask the job to stop, which keeps its work; kill it if it does not."""
        watcher = self._watcher
        if watcher is None or watcher.done():
            return
        self._stopping = True
        while self._process is None and not watcher.done():  # still starting
            await asyncio.sleep(0.01)
        process = self._process
        if process is not None and not watcher.done():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
            if process.returncode is None:
                process.kill()
                await process.wait()
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        if self._state.state == "running":
            self._state.state, self._state.finished = "stopped", _now()

    def _command(self) -> list[str]:
        chosen, folders = self._settings, map(str, self._asked.add)
        options = ["--index", str(chosen.index), "--engine", chosen.engine, "--json"]
        # Otherwise the model that made the index, which may have changed since this service began.
        options += ["--model", chosen.model] if chosen.model else []
        options += ["--store", chosen.store] if chosen.store else []
        options += [f"--forget={folder}" for folder in self._asked.forget]
        idle = ["ionice", "-c", "3"] if self._asked.background and shutil.which("ionice") else []
        # -P: not what lies in the working folder, which may have a folder `service` of its own.
        # After "--", no name of a folder is taken for an option.
        return [
            *idle,
            sys.executable,
            "-P",
            "-m",
            "service",
            "index",
            *options,
            "--supervised",
            "--",
            *folders,
        ]

    async def _run(self) -> None:
        try:
            process = self._process = await self._spawn()
        except OSError as error:
            self._state.state, self._state.finished = "failed", _now()
            self._tail.append(f"cannot start the job: {error.strerror}")
            return
        with contextlib.suppress(OSError):
            # Searches come first.
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICEST if self._asked.background else _NICE)
        assert process.stdout is not None
        async for line in _lines(process.stdout):
            self._read_line(line.decode("utf-8", "replace").strip())
        status = await process.wait()
        self._state.exit_status, self._state.finished = status, _now()
        if status and not self._stopping:
            how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            log.warning("the index run %s: %s", how, self._tail[-1] if self._tail else "it said nothing")
        if self._state.state == "running":
            cut = "stopped" if self._stopping else "failed"
            self._state.state = "done" if status == 0 else cut
        if not self._stopping:
            await self._finished()

    async def _spawn(self) -> asyncio.subprocess.Process:
        # In a separate session: Ctrl-C goes to the service, which then stops the job itself.
        return await asyncio.create_subprocess_exec(
            *self._command(),
            # Its standard input closes when this process ends, even if killed, and that stops the job.
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LINE,
            start_new_session=True,
            env=_environment(),
        )

    def _read_line(self, line: str) -> None:
        """Record progress and the end of the job; keep the last of all other lines."""
        try:
            fields = json.loads(line)
            event = str(fields.pop("event"))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            self._tail.append(without_paths(line)[:500])
            return
        if event == "progress":
            self._state.progress = fields
        elif event == "step":
            # While a large index is being built, these count vectors instead of photos.
            self._state.progress = {
                "what": fields.get("what"),
                "done": fields.get("done"),
                "photos": fields.get("of"),
            }
        elif event in _END:
            self._state.state = _END[event]
            self._state.report = _public(fields)


async def _lines(out: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Read lines and skip overlong ones, which are no reason to end a job that may have worked for hours."""
    whole = True
    while True:
        try:
            line = await out.readuntil()
        except asyncio.LimitOverrunError as error:
            await out.readexactly(error.consumed)
            whole = False
            continue
        except asyncio.IncompleteReadError as error:
            line = error.partial
        if not line:
            return
        if whole:
            yield line
        whole = True


def _public(report: dict[str, Any]) -> dict[str, Any]:
    """The report without paths; lists except `problems` become their lengths."""
    # The list of skipped files holds only the first ones.
    counted = {"skipped": skipped_total(report)} if "skipped" in report else {}
    return {name: _plain(name, value) for name, value in report.items()} | counted


def _plain(name: str, value: object) -> object:
    if isinstance(value, list):
        return [without_paths(str(part)) for part in value] if name == "problems" else len(value)
    return without_paths(value) if isinstance(value, str) else value


def _environment() -> dict[str, str]:
    """The job's: PYTHONPATH begins with this same program, wherever it was started from."""
    top = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [top, os.environ.get("PYTHONPATH")]))
    return {**threads.as_given(), "PYTHONPATH": paths}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
