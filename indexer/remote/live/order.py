"""The order of a generation's photos: their ranks, as people count them, and their places, as its rows are sorted.

In a table that is written whole, the two are the same. In a live one, places are sparse (see `places`), and a ladder
says at which place every thousandth photo is. While a table changes, its rows may not quite fit the ladder of before.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from indexer.values import Ids

STEP = 1000
Select = Callable[[int, int], Ids]


def _none() -> Ids:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Order:
    """So many photos; months with their first rank. In a live table, `rungs` and `firsts` are places."""

    photos: int
    # Newest first; "" for those without a date, which come last.
    months: tuple[tuple[str, int], ...] = ()
    # The place of every STEP-th photo, and at last one that is behind all.
    rungs: Ids = field(default_factory=_none)
    # The place of the first photo of each month.
    firsts: Ids = field(default_factory=_none)

    @classmethod
    def of(cls, months: tuple[tuple[str, int], ...], photos: int, places: Ids | None = None) -> "Order":
        """`places` are those of all photos, by rank, in a live table."""
        if places is None or not len(places):
            return cls(photos, months)
        rungs = np.concatenate([places[::STEP], places[-1:] + 1])
        return cls(photos, months, rungs, places[[rank for _, rank in months]])

    @property
    def first(self) -> int:
        """The place of the first photo."""
        return int(self.rungs[0]) if len(self.rungs) else 0

    @property
    def end(self) -> int:
        """A place behind all photos."""
        return int(self.rungs[-1]) if len(self.rungs) else self.photos

    @property
    def ranks(self) -> Ids:
        """The first rank of each month, and at last the number of photos."""
        return np.array([*(rank for _, rank in self.months), self.photos], dtype=np.int64)

    @property
    def starts(self) -> Ids:
        """The first place of each month, and at last one that is behind all."""
        return np.append(self.firsts, self.end) if len(self.rungs) else self.ranks

    def month(self, name: str) -> int | None:
        """The number of a month, newest first."""
        return next((number for number, (month, _) in enumerate(self.months) if month == name), None)

    def places(self, low: int, high: int, select: Select) -> Ids:
        """The places of the photos of these ranks; `select` gives those of a range, in any order."""
        low, high = max(0, low), min(high, self.photos)
        if low >= high:
            return _none()
        if not len(self.rungs):
            return np.arange(low, high)
        rungs = range(low // STEP, -(-high // STEP))
        parts = [np.sort(select(int(self.rungs[rung]), int(self.rungs[rung + 1]))) for rung in rungs]
        before = rungs[0] * STEP
        return np.concatenate(parts)[low - before : high - before]

    def written(self) -> dict[str, str]:
        ladder = {"rungs": self.rungs.tolist(), "firsts": self.firsts.tolist()} if len(self.rungs) else {}
        return {"months": json.dumps(self.months), "ladder": json.dumps(ladder)}

    @classmethod
    def read(cls, texts: Mapping[str, str], photos: int) -> "Order":
        months = tuple((str(month), int(rank)) for month, rank in json.loads(texts["months"]))
        ladder = {
            name: np.array(found, dtype=np.int64)
            for name, found in json.loads(texts.get("ladder", "{}")).items()
        }
        return cls(photos, months, **ladder)
