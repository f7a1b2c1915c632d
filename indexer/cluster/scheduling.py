"""Which parts to run when, whatever runs them: tries, waits, and gives up; adds up how far all of them are.

A node that dies is none of its business: an `Executor` runs the parts of that node again by itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer.cluster.child import News, Outcome
from indexer.errors import ClusterProblem
from indexer.folders.partition import Partition
from indexer.folders.scan import Skipped
from indexer.jobs.stopping import Interrupted, Stop
from indexer.reports.progress import Progress, Reporter
from indexer.reports.times import Times

_TICK = 0.5
# How many parts that failed an error describes, each with its last lines.
_DESCRIBED = 3


class Executor(Protocol):
    """Runs parts somewhere, as many at a time as fit there."""

    def start(self, part: Partition) -> None:
        """Run a part as soon as there is room; returns at once."""
        ...

    def ended(self, seconds: float) -> Mapping[Partition, Outcome]:
        """Wait until something ends, but not longer than so many seconds."""
        ...

    def news(self) -> Mapping[Partition, News]:
        """How far the parts are that run now."""
        ...

    def held_up(self) -> str:
        """Why none runs, for people; empty if there is no reason."""
        ...

    def stop(self) -> None:
        """End all that runs, and keep its work; returns when that is done."""
        ...


@dataclass(frozen=True)
class Patience:
    """How often to try a part, and how long to wait, in seconds, before the next try."""

    tries: int = 3
    again: float = 2.0
    # Another process holds the part, such as one that outlived its node: wait ever longer, up to the second number.
    busy: tuple[float, float] = (5.0, 60.0)
    # So many parts have failed and none has ended well: the others would not, either.
    hopeless: int = 5


@dataclass
class _State:
    tries: int = 0
    waits: int = 0
    # When to start it again; None while it runs, or when it is done.
    due: float | None = None
    outcome: Outcome | None = None
    # Photos to process, as its first try found them; None until it has begun.
    total: int | None = None
    done: int = 0
    skipped: int = 0

    def hear(self, news: News) -> None:
        """A later try has only what is left to do, so what is done is what is no longer left."""
        self.total = max(self.total or 0, news.photos)
        self.done = self.total - (news.photos - news.done)
        self.skipped = max(self.skipped, news.skipped)


@dataclass
class Schedule:
    """Runs all parts to their end, once."""

    parts: Sequence[Partition]
    executor: Executor
    reporter: Reporter
    patience: Patience = Patience()
    clock: Callable[[], float] = time.monotonic
    _states: dict[Partition, _State] = field(default_factory=dict)

    def run(self) -> dict[Partition, Outcome]:
        """Return how each part ended; raises ClusterProblem unless all are complete, Interrupted after a signal."""
        self._states = {part: _State() for part in self.parts}
        progress = Progress(0, spent=Times())
        self.reporter.begin(progress)
        try:
            with Stop() as stop:
                for part in self.parts:
                    self._start(part)
                while stop.number is None and self._going_on():
                    self._start_those_due()
                    for part, outcome in self.executor.ended(_TICK).items():
                        self._take(part, outcome)
                    self._show(progress)
                if stop.number is not None:
                    self.executor.stop()
                    raise Interrupted(stop.number)
        finally:
            self.reporter.end()
        return self._outcomes()

    def _start(self, part: Partition) -> None:
        self._states[part].due = None
        self.executor.start(part)

    def _start_those_due(self) -> None:
        now = self.clock()
        for part, state in self._states.items():
            if state.due is not None and now >= state.due:
                self._start(part)

    def _going_on(self) -> bool:
        if self._hopeless():
            self.executor.stop()
            return False
        return any(state.outcome is None for state in self._states.values())

    def _hopeless(self) -> bool:
        ended = [state.outcome for state in self._states.values() if state.outcome is not None]
        return len(ended) >= self.patience.hopeless and not any(outcome.finished for outcome in ended)

    def _take(self, part: Partition, outcome: Outcome) -> None:
        state = self._states[part]
        if outcome.news.photos or outcome.finished:
            state.hear(outcome.news)
        for path, reason in outcome.skipped:
            self.reporter.skip(Skipped(Path(path), reason))
        if outcome.finished:
            state.outcome = outcome
        elif outcome.busy:
            least, most = self.patience.busy
            state.due = self.clock() + min(most, least * 2 ** min(state.waits, 10))
            state.waits += 1
        else:
            state.tries += 1
            if state.tries >= self.patience.tries:
                state.outcome = outcome
            else:
                state.due = self.clock() + self.patience.again

    def _show(self, progress: Progress) -> None:
        news = self.executor.news()
        for part, one in news.items():
            if self._states[part].outcome is None:
                self._states[part].hear(one)
        states = self._states.values()
        known = [state.total for state in states if state.total is not None]
        progress.done = sum(state.done for state in states)
        progress.skipped = sum(state.skipped for state in states)
        # Parts are about equal, so those that have begun tell how much the others hold.
        progress.photos = max(progress.done, round(sum(known) / len(known) * len(states))) if known else 0
        progress.note = self._note(len(news))
        self.reporter.advance(progress)

    def _note(self, running: int) -> str:
        states = self._states.values()
        finished = sum(state.outcome is not None and state.outcome.finished for state in states)
        failed = sum(state.outcome is not None and not state.outcome.finished for state in states)
        busy = sum(state.due is not None and state.waits > 0 for state in states)
        said = (
            f"{finished} of {len(states)} parts done",
            f"{running} running" if running else self.executor.held_up(),
            f"{failed} failed" if failed else "",
            f"{busy} held by another run, waiting for it" if busy else "",
        )
        return ", ".join(filter(None, said))

    def _outcomes(self) -> dict[Partition, Outcome]:
        found = {part: state.outcome for part, state in self._states.items() if state.outcome is not None}
        unfinished = [part for part in self.parts if part not in found or not found[part].finished]
        if unfinished:
            raise ClusterProblem(_problem(unfinished, found))
        return found


def _problem(unfinished: Sequence[Partition], found: Mapping[Partition, Outcome]) -> str:
    numbers = ", ".join(str(part.number) for part in unfinished)
    failed = [(part, found[part]) for part in unfinished if part in found]
    lines = [
        f"{len(unfinished)} of {unfinished[0].of} parts are unfinished: {numbers}. Finished work is kept; fix this and "
        "run the same command again to continue"
    ]
    for part, outcome in failed[:_DESCRIBED]:
        lines.append(f"part {part} {_how(outcome)}:")
        lines += [f"    {line}" for line in outcome.said or ("it said nothing",)]
    if len(failed) > _DESCRIBED:
        lines.append(f"and {len(failed) - _DESCRIBED} more")
    return "\n".join(lines)


def _how(outcome: Outcome) -> str:
    if outcome.status is None:
        return "did not run"
    if outcome.status < 0:
        return f"was ended by signal {-outcome.status}"
    return f"ended with status {outcome.status}"
