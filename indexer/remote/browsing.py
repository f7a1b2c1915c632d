"""Look at a generation on a server without searching: months, pages, and what it can be narrowed to.

Each row has its place in the order by time, newest first, and a generation's texts say at which place a month begins
(see `order`). So a page is a range of places, at any offset.
"""

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from indexer.conditions import EVERYTHING, Condition, OneOf, between, every
from indexer.generations.counts import Counts
from indexer.remote.database import Table
from indexer.remote.live.order import Order
from indexer.remote.rows import PHOTO, photos_of
from indexer.values import Facets, Filter, Ids, Month, Photo

Describe = Callable[[Filter | None], Condition]
_REMEMBERED = 8
# Most places to hold of a filter; for more, months are counted, and a page is found by counting.
_MOST_PLACES = 2_000_000
_CONTENTS = 1000


@dataclass(frozen=True)
class Texts:
    """What is counted when a generation is published."""

    counts: Counts
    roots: tuple[str, ...]
    order: Order

    def written(self) -> dict[str, str]:
        counted = {name: dict(getattr(self.counts, name)) for name in ("folders", "cameras", "years")}
        return {
            "counts": json.dumps(counted),
            "roots": json.dumps(self.roots),
            **self.order.written(),
        }

    @classmethod
    def read(cls, texts: Mapping[str, str], photos: int) -> "Texts":
        counted = {name: Counter(found) for name, found in json.loads(texts["counts"]).items()}
        return cls(Counts(**counted), tuple(json.loads(texts["roots"])), Order.read(texts, photos))


class RemoteBrowsing:
    """Thread-safe."""

    def __init__(self, table: Table, texts: Texts, described: Describe) -> None:
        self._table, self._texts, self._described = table, texts, described
        self._order = texts.order
        self._places: OrderedDict[Filter, Ids] = OrderedDict()
        self._facets: tuple[frozenset[str], Facets] | None = None
        self._lock = threading.Lock()

    def timeline(self, where: Filter | None) -> list[Month]:
        names = [month for month, _ in self._order.months]
        starts = self._order.starts
        if _is_all(where):
            counts = np.diff(self._order.ranks).tolist()
        elif (places := self._held(where)) is not None:
            counts = np.diff(np.searchsorted(places, starts)).tolist()
        else:
            condition = self._described(where)
            counts = [
                self._table.count(every([condition, between("place", int(low), int(high))]))
                for low, high in pairwise(starts)
            ]
        return [Month(month, count) for month, count in zip(names, counts, strict=True) if count]

    def listing(self, where: Filter | None, month: str | None, offset: int, k: int) -> list[Photo]:
        order = self._order
        ranks, span = (0, order.photos), (order.first, order.end)
        if month is not None:
            if (number := order.month(month)) is None:
                return []
            ranks, span = _pair(order.ranks, number), _pair(order.starts, number)
        if _is_all(where):
            first = ranks[0] + offset
            places = order.places(first, min(first + k, ranks[1]), self._between)
        elif (held := self._held(where)) is not None:
            first, last = np.searchsorted(held, span).tolist()
            places = held[min(first + offset, last) : min(first + offset + k, last)]
        else:
            places = self._page(self._described(where), *span, offset, k)
        return self._at(places)

    def facets(self, without: frozenset[str]) -> Facets:
        with self._lock:
            known = self._facets
        if known is None or known[0] != without:
            hidden: list[Photo] = []
            contents = sorted(without)
            for start in range(0, len(contents), _CONTENTS):
                named = OneOf("content", tuple(contents[start : start + _CONTENTS]))
                hidden += self._every_photo(named)
            counts = self._texts.counts.less(hidden) if hidden else self._texts.counts
            known = without, counts.facets()
            with self._lock:
                self._facets = known
        return known[1]

    def _held(self, where: Filter | None) -> Ids | None:
        """The places of all that pass, sorted; None if they are too many."""
        assert where is not None
        with self._lock:
            if where in self._places:
                self._places.move_to_end(where)
                return self._places[where]
        condition = self._described(where)
        count = self._table.count(condition)
        if count > _MOST_PLACES:
            return None
        found = self._all_places(condition, count, self._order.first, self._order.end)
        with self._lock:
            self._places[where] = found
            while len(self._places) > _REMEMBERED:
                self._places.popitem(last=False)
        return found

    def _between(self, low: int, high: int) -> Ids:
        """The places between two, of all photos."""
        return self._all_places(EVERYTHING, 0, low, high)

    def _all_places(self, condition: Condition, count: int, start: int, end: int) -> Ids:
        """The places of all that pass between two, sorted; they are about so many."""
        most = self._table.most
        parts, width = [np.empty(0, np.int64)], end - start
        if count >= most:
            width = max(1, width * most // count // 2)
        while start < end:
            inside = every([condition, between("place", start, min(start + width, end))])
            places = self._table.select(["place"], inside, most)["place"]
            if len(places) >= most and width > 1:
                # There may be more in this range.
                width = max(1, width // 2)
                continue
            parts.append(np.sort(np.asarray(places, dtype=np.int64)))
            start += width
            if len(places) < most // 4:
                width *= 2
        return np.concatenate(parts)

    def _page(self, condition: Condition, low: int, high: int, offset: int, k: int) -> Ids:
        """The places of a page among more than can be held: halve the range until the page fits in an answer."""
        found: list[int] = []
        while len(found) < k and low < high:
            middle, inside = high, every([condition, between("place", low, high)])
            count = self._table.count(inside)
            while count > self._table.most // 2:
                middle = (low + middle) // 2
                inside = every([condition, between("place", low, middle)])
                count = self._table.count(inside)
            if offset >= count:
                offset -= count
            else:
                places = sorted(self._table.select(["place"], inside, self._table.most)["place"])
                found += places[offset : offset + k - len(found)]
                offset = 0
            low = middle
        return np.array(found, dtype=np.int64)

    def _at(self, places: Ids) -> list[Photo]:
        """The photos at these places, in their order."""
        if not len(places):
            return []
        condition = OneOf("place", tuple(places.tolist()))
        columns = self._table.select([*PHOTO, "place"], condition, len(places))
        at = dict(zip(columns["place"], photos_of(columns), strict=True))
        return [at[place] for place in places.tolist() if place in at]

    def _every_photo(self, condition: Condition) -> list[Photo]:
        """All photos of a few contents; copies of one are never more than an answer holds."""
        return list(photos_of(self._table.select(PHOTO, condition, self._table.most)))


def _is_all(where: Filter | None) -> bool:
    return where is None or where == Filter()


def _pair(edges: Ids, number: int) -> tuple[int, int]:
    return int(edges[number]), int(edges[number + 1])
