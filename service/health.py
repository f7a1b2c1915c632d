"""What is wrong around the served index, for monitoring and the page; cached, because it is polled."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread

from indexer.errors import BrokenGeneration
from indexer.folders.reach import Reach
from indexer.health import Health, Trouble, health, troubles
from indexer.jobs.status import is_running
from service.ops.logging import without_paths
from service.ops.reports import Reports
from service.search.gallery import Gallery, Served

# Seconds that an answer is good for, and that a drive may take to show what is in a folder.
_FRESH, _PATIENCE = 5.0, 0.5


class HealthWatch:
    """Thread-safe. What the gallery itself knows is always fresh; folders and runs are looked at every few seconds."""

    def __init__(self, gallery: Gallery, reports: Reports, fresh: float = _FRESH) -> None:
        self._gallery, self._reports, self._fresh = gallery, reports, fresh
        self._reach = Reach()
        self._limiter = anyio.CapacityLimiter(1)
        self._lock = threading.Lock()
        self._report: Mapping[str, Any] | None = None
        self._around: list[Trouble] = []
        self._looked = -float("inf")

    def now(self, served: Served | None = None) -> list[Trouble]:
        """Everything that is wrong, with what the gallery serves now or then. May block for a moment."""
        with self._lock:
            report = self._reports.last()
            if report is not self._report or time.monotonic() - self._looked >= self._fresh:
                self._around = self._look(report)
                self._report, self._looked = report, time.monotonic()
            return [*self._of(served or self._gallery.served), *self._around]

    async def soon(self, served: Served) -> list[Trouble]:
        """The same, for the event loop. If the disk of the index does not respond, what was known before."""
        with anyio.move_on_after(2 * _PATIENCE):
            return await anyio.to_thread.run_sync(
                self.now, served, limiter=self._limiter, abandon_on_cancel=True
            )
        return [*self._of(served), *self._around]

    def _of(self, served: Served) -> list[Trouble]:
        """Why this is not the newest generation, or not a sound one; and what became of damaged marks."""
        found, marks = [], self._gallery.marks
        if served.problem is not None:
            found.append(Trouble(served.problem, served.problem, grave=served.damaged or served.away))
        if marks.problem is not None:
            found.append(Trouble("marks were damaged", marks.problem))
        return found

    def _look(self, report: Mapping[str, Any]) -> list[Trouble]:
        gallery = self._gallery
        try:
            roots = gallery.published.roots()
        except BrokenGeneration:
            roots = []  # the gallery will say so
        return troubles(
            gallery.index,
            roots,
            report,
            running=is_running(gallery.index),
            reach=self._reach,
            seconds=_PATIENCE,
        )


def public(found: list[Trouble]) -> tuple[Health, list[str]]:
    """The worst in a word, and each in a line, without paths: the text leaves the machine."""
    return health(found), [without_paths(str(trouble)) for trouble in found]
