"""Progress of a run, and its reporters: a bar, plain lines, JSON lines, or none."""

import json
import math
import shutil
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from indexer.folders.scan import Skipped
from indexer.reports.times import Times

# The rate covers the last half minute: the first files are often smaller, or already cached.
_WINDOW = 30.0
PARTS = ("decode", "encode", "write")


@dataclass
class Progress:
    """Progress of a run. `spent`: seconds of waiting for decoders, encoding, and writing; `note`: more for people."""

    photos: int
    done: int = 0
    skipped: int = 0
    spent: Times = field(default_factory=lambda: Times(dict.fromkeys(PARTS, 0.0)))
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Recent photos per second."""
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= 0.5:
            self._marks.append((now, self.done))
        while now - self._marks[0][0] > _WINDOW and len(self._marks) > 2:
            self._marks.popleft()
        since, before = self._marks[0]
        if now - since < 1:
            since, before = self.started, 0
        # Work that was lost is done again.
        return max(0.0, (self.done - before) / max(now - since, 1e-3))

    @property
    def left(self) -> float | None:
        """Seconds left, or None while unknown."""
        return (self.photos - self.done) / rate if (rate := self.rate) > 0 else None

    @property
    def shares(self) -> dict[str, float]:
        """Shares of time spent waiting for decoders, encoding, and writing; the largest is the bottleneck."""
        whole = sum(self.spent.values()) or 1.0
        return {part: seconds / whole for part, seconds in self.spent.items()}

    def line(self) -> str:
        return self.lines()[0]

    def lines(self) -> list[str]:
        """The same in fewer and fewer words, for narrow terminals."""
        left, shares = self.left, self.shares.items()
        count, rate = f"{self.done}/{self.photos} photos", f"{self.rate:.0f}/s"
        clock = f"{_clock(left)} left" if left is not None else ""
        spent = " ".join(f"{part} {share:.0%}" for part, share in shares)
        skipped = f"{self.skipped} skipped" if self.skipped else ""
        choices = (
            (count, rate, clock, spent, skipped, self.note),
            (count, rate, clock, skipped, self.note),
            (count, clock, skipped, self.note),
            (count, clock, skipped),
            (count, clock),
            (count,),
            (_share(self.done, self.photos),),
        )
        return [", ".join(filter(None, choice)) for choice in choices]


class Reporter(Protocol):
    """Receives the progress of a job: for each photo, and twice a second while none is finished."""

    def begin(self, progress: Progress) -> None: ...

    def advance(self, progress: Progress) -> None: ...

    def skip(self, skipped: Skipped) -> None: ...

    def step(self, what: str, done: int, of: int) -> None:
        """Report progress in a step such as "indexing", whose unit is vectors rather than photos."""
        ...

    def end(self) -> None: ...


class Silent:
    """Report nothing."""

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


class _Throttled(Silent):
    """Report at most every `every` seconds."""

    every = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = -math.inf
        self._what = ""

    def begin(self, progress: Progress) -> None:
        self._last = time.monotonic()

    def advance(self, progress: Progress) -> None:
        if self._due():
            self._report(progress)

    def step(self, what: str, done: int, of: int) -> None:
        if what != self._what:
            # In small libraries a step is over before anybody could read about it.
            self._what, self._last = what, time.monotonic()
        elif self._due():
            self._report_step(what, done, of)

    def _due(self) -> bool:
        due = time.monotonic() - self._last >= self.every
        if due:
            self._last = time.monotonic()
        return due

    def _report_step(self, what: str, done: int, of: int) -> None:
        raise NotImplementedError

    def _report(self, progress: Progress) -> None:
        raise NotImplementedError

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Bar(_Throttled):
    """A progress bar that redraws one line of the terminal."""

    every = 0.2
    _WIDTH = 20
    # Narrower terminals show words instead of a bar.
    _LEAST = 60

    def _report(self, progress: Progress) -> None:
        self._draw(progress.done, progress.photos, progress.lines())

    def step(self, what: str, done: int, of: int) -> None:
        super().step(what, done, of)
        if done >= of:
            self.end()

    def _report_step(self, what: str, done: int, of: int) -> None:
        share = _share(done, of)
        self._draw(done, of, [_step(what, done, of), f"{what} {share}", share])

    def _draw(self, done: int, of: int, texts: list[str]) -> None:
        """Draw the bar with the longest text that fits: a longer line would wrap, and stay."""
        width, filled = self._columns(), self._WIDTH * done // max(of, 1)
        bar = f"[{'#' * filled}{'-' * (self._WIDTH - filled)}] " if width >= self._LEAST else ""
        text = next((text for text in texts if len(bar + text) <= width), "")
        self._write(f"\r{bar + text:{width}}")

    @staticmethod
    def _columns() -> int:
        # A line that fills the last column wraps in some terminals.
        return max(0, shutil.get_terminal_size().columns - 1)

    def end(self) -> None:
        width = self._columns()
        self._write(f"\r{'':{width}}\r")


class Lines(_Throttled):
    """A line every ten seconds, for logs."""

    every = 10.0

    def _report(self, progress: Progress) -> None:
        self._write(f"{progress.line()}\n")

    def _report_step(self, what: str, done: int, of: int) -> None:
        self._write(f"{_step(what, done, of)}\n")


class JsonLines(_Throttled):
    """One JSON object per line: start, progress every second, skipped; the caller adds done or failed."""

    def begin(self, progress: Progress) -> None:
        self.event("start", photos=progress.photos)

    def skip(self, skipped: Skipped) -> None:
        self.event("skipped", path=str(skipped.path), reason=skipped.reason)

    def _report(self, progress: Progress) -> None:
        left = progress.left
        self.event(
            "progress",
            photos=progress.photos,
            done=progress.done,
            skipped=progress.skipped,
            rate=round(progress.rate, 1),
            seconds_left=None if left is None else round(left, 1),
            shares={part: round(share, 3) for part, share in progress.shares.items()},
            **({"note": progress.note} if progress.note else {}),
        )

    def _report_step(self, what: str, done: int, of: int) -> None:
        self.event("step", what=what, done=done, of=of)

    def event(self, event: str, **values: object) -> None:
        # ASCII only: a file name that is not valid text must not break the stream.
        self._write(json.dumps({"event": event, **values}) + "\n")


def _step(what: str, done: int, of: int) -> str:
    return f"{what} {done}/{of} ({_share(done, of)})"


def _share(done: int, of: int) -> str:
    return f"{done / max(of, 1):.0%}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
