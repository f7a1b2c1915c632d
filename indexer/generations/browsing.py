"""Look at a generation without searching: by month, page by page, and by what it can be narrowed to."""

import threading
from collections import OrderedDict
from dataclasses import replace

from indexer.generations.counts import Counts, counted
from indexer.generations.months import Listed, Order, read_months
from indexer.generations.photos import Photos
from indexer.generations.watch import Watch
from indexer.stores import Ids
from indexer.values import Facets, Filter, Month, Photo

# Filters whose photos are held, as 8 bytes each: somebody who scrolls asks for page after page of one.
_REMEMBERED = 8


class Browses:
    """What a generation says of itself without a search; see `Library`."""

    _browsing: "Browsing"
    _watch: Watch

    def timeline(self, where: Filter | None = None) -> list[Month]:
        """How many photos match in each month, newest first."""
        self._watch.check()
        return self._browsing.timeline(where)

    def listing(
        self, where: Filter | None = None, *, month: str | None = None, offset: int = 0, k: int = 100
    ) -> list[Photo]:
        """The photos that match, newest first."""
        self._watch.check()
        return self._browsing.listing(where, month, offset, k)

    def facets(self, without: frozenset[str] = frozenset()) -> Facets:
        """The folders, cameras, and years of all photos but those with these contents."""
        self._watch.check()
        return self._browsing.facets(without)


class Browsing:
    """Thread-safe. It has a connection of its own: whoever counts a million photos must not hold up searches."""

    def __init__(self, photos: Photos) -> None:
        self._photos = photos
        self._lock = threading.Lock()
        self._order: Order | None = None
        self._listed: OrderedDict[Filter, Listed] = OrderedDict()
        self._whole: Counts | None = None
        self._facets: tuple[frozenset[str], Facets] | None = None

    def timeline(self, where: Filter | None) -> list[Month]:
        return self._matching(where).months()

    def listing(self, where: Filter | None, month: str | None, offset: int, k: int) -> list[Photo]:
        ids = self._matching(where).page(month, offset, k)
        found = self._photos.get(ids)
        return [found[number] for number in ids]

    def ids(self, where: Filter) -> Ids:
        """All photos that match, also those whose contents a filter names."""
        found = self._matching(where)
        return found.order.ids[found.places]

    def facets(self, without: frozenset[str]) -> Facets:
        """Counted at the first call; cached for as long as the same photos are hidden."""
        with self._lock:
            known = self._facets
            if known is None or known[0] != without:
                known = self._facets = without, self._counted(without)
            return known[1]

    def close(self) -> None:
        self._photos.close()

    def _matching(self, where: Filter | None) -> Listed:
        # One at a time: a page asks for its timeline and its photos at once.
        with self._lock:
            if self._order is None:
                self._order = read_months(self._photos.ask)
            order = self._order
            if where is None or where == Filter():
                return order.everywhere
            if where in self._listed:
                self._listed.move_to_end(where)
                return self._listed[where]
            found = self._listed[where] = self._filtered(order, where)
            while len(self._listed) > _REMEMBERED:
                self._listed.popitem(last=False)
            return found

    def _filtered(self, order: Order, where: Filter) -> Listed:
        places = order.everywhere.places
        if (plain := replace(where, only=None, without=frozenset())) != Filter():
            places = places[order.chosen(self._photos.matching(plain))]
        if where.only is not None:
            places = places[order.chosen(self._photos.of_contents(where.only))[places]]
        if where.without:
            places = places[~order.chosen(self._photos.of_contents(where.without))[places]]
        return Listed(order, places)

    def _counted(self, without: frozenset[str]) -> Facets:
        if self._whole is None:
            self._whole = counted(self._photos.ask)
        if not without:
            return self._whole.facets()
        hidden = self._photos.get(self._photos.of_contents(without).tolist())
        return self._whole.less(hidden.values()).facets()
