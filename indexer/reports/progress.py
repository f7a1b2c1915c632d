"""How far a run has come, and those who tell of it: a bar, plain lines, JSON lines, or nobody."""

import json
import math
import shutil
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from indexer.folders.scan import Skipped
from indexer.reports.times import Times

# The rate is that of the last half minute: what comes first is often smaller, or already in the cache.
_WINDOW = 30.0
PARTS = ("decode", "encode", "write")


@dataclass
class Progress:
    """Where a run stands. `spent`: seconds in which it waited for decoders, encoded, or wrote."""

    photos: int
    done: int = 0
    skipped: int = 0
    spent: Times = field(default_factory=lambda: Times(dict.fromkeys(PARTS, 0.0)))
    started: float = field(default_factory=time.monotonic)
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Photos a second, lately."""
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= 0.5:
            self._marks.append((now, self.done))
        while now - self._marks[0][0] > _WINDOW and len(self._marks) > 2:
            self._marks.popleft()
        since, before = self._marks[0]
        if now - since < 1:
            since, before = self.started, 0
        return (self.done - before) / max(now - since, 1e-3)

    @property
    def left(self) -> float | None:
        """Seconds to go; None while nobody can tell."""
        return (self.photos - self.done) / rate if (rate := self.rate) > 0 else None

    @property
    def shares(self) -> dict[str, float]:
        """What part of its time the run waited for decoders, encoded, and wrote: the largest is what limits it."""
        whole = sum(self.spent.values()) or 1.0
        return {part: seconds / whole for part, seconds in self.spent.items()}

    def line(self) -> str:
        parts = [f"{self.done}/{self.photos} photos", f"{self.rate:.0f}/s"]
        if self.left is not None:
            parts.append(f"{_clock(self.left)} left")
        parts.append(" ".join(f"{part} {share:.0%}" for part, share in self.shares.items()))
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        return ", ".join(parts)


class Reporter(Protocol):
    """Is told how far the job has come: for each photo, and twice a second while none is finished."""

    def begin(self, progress: Progress) -> None: ...

    def advance(self, progress: Progress) -> None: ...

    def skip(self, skipped: Skipped) -> None: ...

    def step(self, what: str, done: int, of: int) -> None:
        """A part of the work that is not about single photos, such as "indexing", of so many vectors."""
        ...

    def end(self) -> None: ...


class Silent:
    """Tells nobody."""

    def begin(self, progress: Progress) -> None:
        pass

    def advance(self, progress: Progress) -> None:
        pass

    def skip(self, skipped: Skipped) -> None:
        pass

    def step(self, what: str, done: int, of: int) -> None:
        pass

    def end(self) -> None:
        pass


class _NowAndThen(Silent):
    """Tells every so many seconds."""

    every = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told = -math.inf
        self._what = ""

    def begin(self, progress: Progress) -> None:
        self._told = time.monotonic()

    def advance(self, progress: Progress) -> None:
        if self._due():
            self._tell(progress)

    def step(self, what: str, done: int, of: int) -> None:
        if what != self._what:
            # Small libraries are through with a step before anybody could read of it.
            self._what, self._told = what, time.monotonic()
        elif self._due():
            self._tell_step(what, done, of)

    def _due(self) -> bool:
        due = time.monotonic() - self._told >= self.every
        if due:
            self._told = time.monotonic()
        return due

    def _tell_step(self, what: str, done: int, of: int) -> None:
        raise NotImplementedError

    def _tell(self, progress: Progress) -> None:
        raise NotImplementedError

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Bar(_NowAndThen):
    """One line of a terminal, written over and over."""

    every = 0.2
    _WIDTH = 20

    def _tell(self, progress: Progress) -> None:
        self._draw(progress.done, progress.photos, progress.line())

    def step(self, what: str, done: int, of: int) -> None:
        super().step(what, done, of)
        if done >= of:
            self.end()

    def _tell_step(self, what: str, done: int, of: int) -> None:
        self._draw(done, of, _step(what, done, of))

    def _draw(self, done: int, of: int, text: str) -> None:
        filled = self._WIDTH * done // max(of, 1)
        line = f"[{'#' * filled}{'-' * (self._WIDTH - filled)}] {text}"
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r{line[:width]:{width}}")

    def end(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r{'':{width}}\r")


class Lines(_NowAndThen):
    """A line every ten seconds, for logs."""

    every = 10.0

    def _tell(self, progress: Progress) -> None:
        self._write(f"{progress.line()}\n")

    def _tell_step(self, what: str, done: int, of: int) -> None:
        self._write(f"{_step(what, done, of)}\n")


class JsonLines(_NowAndThen):
    """One JSON object a line: start, progress every second, skipped; the caller adds done or failed."""

    def begin(self, progress: Progress) -> None:
        self.event("start", photos=progress.photos)

    def skip(self, skipped: Skipped) -> None:
        self.event("skipped", path=str(skipped.path), reason=skipped.reason)

    def _tell(self, progress: Progress) -> None:
        left = progress.left
        self.event(
            "progress",
            photos=progress.photos,
            done=progress.done,
            skipped=progress.skipped,
            rate=round(progress.rate, 1),
            seconds_left=None if left is None else round(left, 1),
            shares={part: round(share, 3) for part, share in progress.shares.items()},
        )

    def _tell_step(self, what: str, done: int, of: int) -> None:
        self.event("step", what=what, done=done, of=of)

    def event(self, event: str, **values: object) -> None:
        # ASCII only: a name that is no valid text must not end the stream of lines.
        self._write(json.dumps({"event": event, **values}) + "\n")


def _step(what: str, done: int, of: int) -> str:
    return f"{what} {done}/{of} ({done / max(of, 1):.0%})"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
