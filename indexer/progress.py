"""How far a run has come, and those who tell of it: a bar, plain lines, JSON lines, or nobody."""

import json
import math
import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from indexer.scan import Skipped

# The rate is that of the last half minute: what comes first is often smaller, or already in the cache.
_WINDOW = 30.0
PARTS = ("decode", "encode", "write")


@dataclass
class Progress:
    """Where a run stands. `spent`: seconds in which it waited for decoders, encoded, or wrote."""

    photos: int
    done: int = 0
    skipped: int = 0
    spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    started: float = field(default_factory=time.monotonic)
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    @contextmanager
    def spending(self, part: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.spent[part] += time.monotonic() - start

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

    def end(self) -> None: ...


class Silent:
    """Tells nobody."""

    def begin(self, progress: Progress) -> None:
        pass

    def advance(self, progress: Progress) -> None:
        pass

    def skip(self, skipped: Skipped) -> None:
        pass

    def end(self) -> None:
        pass


class _NowAndThen(Silent):
    """Tells every so many seconds."""

    every = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told = -math.inf

    def begin(self, progress: Progress) -> None:
        self._told = time.monotonic()

    def advance(self, progress: Progress) -> None:
        if time.monotonic() - self._told >= self.every:
            self._told = time.monotonic()
            self._tell(progress)

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
        filled = self._WIDTH * progress.done // max(progress.photos, 1)
        line = f"[{'#' * filled}{'-' * (self._WIDTH - filled)}] {progress.line()}"
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

    def event(self, event: str, **values: object) -> None:
        # ASCII only: a name that is no valid text must not end the stream of lines.
        self._write(json.dumps({"event": event, **values}) + "\n")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
