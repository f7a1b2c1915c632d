"""The report of the indexer's last run, cached until it changes."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from indexer.reports.report import FOLDER, LAST, last_report

# Limits concurrent reads: earlier versions wrote reports of many megabytes.
_READERS = 2


class Reports:
    """Thread-safe; methods block."""

    def __init__(self, index: Path) -> None:
        self.limiter = anyio.CapacityLimiter(_READERS)
        self._index = index
        self._lock = threading.Lock()
        self._known: tuple[int, int, int] | None = None
        self._report: Mapping[str, Any] = {}

    def last(self) -> Mapping[str, Any]:
        """The report of the latest run; empty if there is none."""
        with self._lock:
            found = self._found()
            if found != self._known:
                self._report = {}
                self._report = last_report(self._index) or {}
                self._known = found
            return self._report

    def _found(self) -> tuple[int, int, int] | None:
        try:
            described = (self._index / FOLDER / f"{LAST}.json").stat()
        except OSError:
            return None
        return described.st_ino, described.st_mtime_ns, described.st_size
