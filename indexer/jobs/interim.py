"""Publish while a long run goes on, so that its photos can be searched before it ends.

Soon at first, then ever more rarely, and never so often that it slows the run down by more than a few percent. Each
of these generations replaces the one before; the one from before the run stays to go back to.
"""

import time
from collections.abc import Callable

from indexer.collection import Collection
from indexer.errors import BrokenGeneration, NoIndex
from indexer.jobs.finishing import publish_if_needed
from indexer.library import Shelf
from indexer.reports.progress import Reporter
from indexer.reports.report import Report

FIRST_SECONDS = 15.0
_PAUSES = (60.0, 120.0, 300.0)
# How many times longer than the last publication took the run must work before the next.
_WORTH = 30.0
# The longest that somebody who stops a run waits for its last publication.
_QUICK = 4.0


class Cadence:
    """When to publish next; `cost` is how long it took the last time, in seconds."""

    def __init__(self, cost: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.cost = cost
        self._clock = clock
        self._pauses = iter(_PAUSES)
        self._next = clock() + max(FIRST_SECONDS, _WORTH * cost)

    @property
    def due(self) -> bool:
        return self._clock() >= self._next

    def done(self, cost: float) -> None:
        self.cost = cost
        self._next = self._clock() + max(next(self._pauses, _PAUSES[-1]), _WORTH * cost)


class Interim:
    """Call `publish` only between transactions: all that is committed is published."""

    def __init__(
        self,
        shelf: Shelf,
        collection: Collection,
        report: Report,
        reporter: Reporter,
        cadence: Cadence,
        *,
        live: bool | None = None,
    ) -> None:
        self._shelf = shelf
        self._collection = collection
        self._report = report
        self._reporter = reporter
        self._cadence = cadence
        self._live = live
        # The generation that it published last.
        self.last: str | None = None

    @property
    def due(self) -> bool:
        return self._cadence.due and not self._collection.empty and self._may()

    @property
    def worth_a_last_one(self) -> bool:
        """Whether a run that was stopped publishes what it has done: if that is quick."""
        return self._cadence.cost <= _QUICK and not self._collection.empty and self._may()

    def publish(self) -> None:
        before = self._report.spent.get("interim", 0.0)
        with self._report.spent.on("interim"):
            publish_if_needed(
                self._shelf,
                self._collection,
                self._report,
                self._reporter,
                index_type=None,
                keep=None,
                live=self._live,
                replaces=self.last,
            )
        # Otherwise the generation is from before the run, which only found what was there already.
        if self._report.published:
            self.last = self._report.generation
        self._cadence.done(self._report.spent["interim"] - before)

    def _may(self) -> bool:
        """Whether half a library is better than what is served: not if that is damaged, held, or another model's."""
        try:
            if self._shelf.held():
                return False
            manifest = self._shelf.manifest(self._shelf.current())
        except NoIndex:
            return not self._shelf.generations()
        except BrokenGeneration:
            return False
        return manifest.fingerprint == self._collection.origin.fingerprint
