"""One part of a library, embedded by `sketchseek index` in a process of its own: how far it is, and how it ended.

The process ends with the one that started it: it is `--supervised`, so when its standard input closes, by whatever
death, it commits its batch and exits. Should it outlive that, it still holds the lock of the part, and whoever tries
the part again finds it busy.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from indexer.errors import IndexBusy

# What of its output is kept: the last lines, and the first skipped files.
_TAIL, _LONGEST = 8, 500
_SKIPPED = 1000
# What of its report is kept.
REPORTED = ("embedded", "problems")
# Longer than any line of a run: a report lists only the first skipped files.
_LINE = 2**22
# Seconds that a process gets to commit its batch.
PATIENCE = 60.0
BEAT = 1.0


@dataclass(frozen=True)
class News:
    """How far a run is: photos to process, those done, and those of them that cannot be used."""

    photos: int = 0
    done: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `status` is None if it never began; `said` are its last lines, or why it did not begin."""

    status: int | None
    said: tuple[str, ...] = ()
    report: dict[str, Any] | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    news: News = News()

    @property
    def finished(self) -> bool:
        """Whether the part is complete; a run that left something out, and says so in its report, exits with 1."""
        return self.status == 0 or (self.status == 1 and self.report is not None)

    @property
    def busy(self) -> bool:
        return self.status == IndexBusy.exit_status

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Self:
        return cls(
            raw["status"],
            tuple(raw["said"]),
            raw["report"],
            tuple((path, reason) for path, reason in raw["skipped"]),
            News(**raw["news"]),
        )


def embed(
    arguments: Sequence[str],
    tell: Callable[[News], None],
    *,
    beat: float = BEAT,
    patience: float = PATIENCE,
) -> Outcome:
    """Run Python with these arguments, and `tell` every so often how far it is, even if there is nothing new.

    Whatever exception ends this also ends the process, which gets time to commit its work.
    """
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=_environment(),
    )
    assert process.stdout is not None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    reading = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    with process:
        try:
            reading.start()
            output = _Output()
            tell(output.news)
            while True:
                try:
                    line = lines.get(timeout=beat)
                except queue.Empty:
                    tell(output.news)
                    continue
                if not line:
                    break
                if output.take(line.decode("utf-8", "replace").strip()):
                    tell(output.news)
            return output.outcome(process.wait())
        except BaseException:
            _end(process, patience)
            raise


class _Output:
    """What a run with `--json` prints."""

    def __init__(self) -> None:
        self.news = News()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._skipped: list[tuple[str, str]] = []
        self._report: dict[str, Any] | None = None

    def take(self, line: str) -> bool:
        """Read a line; returns whether it brought news."""
        before = self.news
        try:
            fields = json.loads(line)
            event = fields.pop("event")
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            if line:
                self._tail.append(line[:_LONGEST])
            return False
        if event == "start":
            self.news = News(fields["photos"])
        elif event == "progress":
            self.news = News(fields["photos"], fields["done"], fields["skipped"])
        elif event == "skipped" and len(self._skipped) < _SKIPPED:
            self._skipped.append((fields["path"], fields["reason"]))
        elif event == "done":
            self.news = News(before.photos, before.photos, max(before.skipped, len(self._skipped)))
            self._report = {name: fields.get(name) for name in REPORTED}
        return self.news != before

    def outcome(self, status: int) -> Outcome:
        return Outcome(status, tuple(self._tail), self._report, tuple(self._skipped), self.news)


def _read(stream: IO[bytes], lines: "queue.SimpleQueue[bytes]") -> None:
    """Put all lines into the queue, and an empty one at the end."""
    while line := stream.readline(_LINE):
        lines.put(line)
    lines.put(b"")


def _end(process: "subprocess.Popen[bytes]", patience: float) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
    except BaseException:
        process.kill()
        raise


def _environment() -> dict[str, str]:
    """PYTHONPATH begins with this same program, wherever it was started from."""
    top = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [top, os.environ.get("PYTHONPATH")]))}
