"""The order in which photos are browsed: newest first, month by month; stored when a generation is published.

Photos of the same moment are ordered by path, so that pages neither repeat nor lose one. A million ids are 8 MB, which
take milliseconds to read; sorting as many photos takes seconds.
"""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.stores import Ids
from indexer.values import Month

Places = NDArray[np.int64]
Ask = Callable[[str], Iterable[tuple[Any, ...]]]

_TABLE = "CREATE TABLE months (place INTEGER PRIMARY KEY, month TEXT NOT NULL, ids BLOB NOT NULL)"
_SORTED = """
SELECT substr(coalesce({moment}, ''), 1, 7), id FROM photos ORDER BY {moment} DESC, relative, root
"""
_LITTLE = np.dtype("<i8")


@dataclass(frozen=True)
class Order:
    """All ids, newest first; month n is from `starts[n]` to `starts[n + 1]`. A place is a position in `ids`."""

    months: tuple[str, ...]
    starts: Places
    ids: Ids

    @cached_property
    def everywhere(self) -> "Listed":
        return Listed(self, np.arange(len(self.ids)))

    def chosen(self, ids: Ids) -> NDArray[np.bool_]:
        """Which places have one of these ids."""
        sorted_ids, places = self._lookup
        found = np.zeros(len(self.ids), dtype=bool)
        if len(sorted_ids):
            at = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
            found[places[at[sorted_ids[at] == ids]]] = True
        return found

    @cached_property
    def _lookup(self) -> tuple[Ids, Places]:
        places = np.argsort(self.ids)
        return self.ids[places], places


@dataclass(frozen=True)
class Listed:
    """Some of the photos of an order, by their places."""

    order: Order
    places: Places

    @cached_property
    def _starts(self) -> Places:
        return np.searchsorted(self.places, self.order.starts)

    def months(self) -> list[Month]:
        counts = np.diff(self._starts).tolist()
        return [
            Month(month, photos) for month, photos in zip(self.order.months, counts, strict=True) if photos
        ]

    def page(self, month: str | None, offset: int, k: int) -> list[int]:
        """The ids of one page."""
        start, end = 0, len(self.places)
        if month is not None:
            if month not in self.order.months:
                return []
            number = self.order.months.index(month)
            start, end = int(self._starts[number]), int(self._starts[number + 1])
        shown: list[int] = self.order.ids[self.places[start + offset : min(end, start + offset + k)]].tolist()
        return shown


def write_months(db: sqlite3.Connection) -> None:
    """Add the table to a generation's photos; its months are rows, and their ids one blob each."""
    db.execute(_TABLE)
    rows = groupby(db.execute(_SORTED.format(moment="moment")), key=lambda row: row[0])
    stored = (
        (place, month, np.fromiter((row[1] for row in found), dtype=_LITTLE).tobytes())
        for place, (month, found) in enumerate(rows)
    )
    db.executemany("INSERT INTO months VALUES (?, ?, ?)", stored)


def read_months(ask: Ask) -> Order:
    """The stored order; generations of older versions have none, nor do they know more than when photos were taken."""
    if any(ask("SELECT 1 FROM sqlite_master WHERE name = 'months'")):
        rows = list(ask("SELECT month, ids FROM months ORDER BY place"))
        parts = [np.frombuffer(ids, dtype=_LITTLE).astype(np.int64) for _, ids in rows]
        months = [str(month) for month, _ in rows]
    else:
        grouped = groupby(ask(_SORTED.format(moment="taken")), key=lambda row: row[0])
        found = [(month, [row[1] for row in photos]) for month, photos in grouped]
        months, parts = [month for month, _ in found], [np.array(ids, dtype=np.int64) for _, ids in found]
    starts = np.concatenate(([0], np.cumsum([len(part) for part in parts], dtype=np.int64)))
    return Order(tuple(months), starts.astype(np.int64), np.concatenate([np.empty(0, np.int64), *parts]))
