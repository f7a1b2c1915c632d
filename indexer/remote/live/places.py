"""Places for photos of a live table: sparse numbers in the order of the photos, of which as few as possible change.

A new photo gets a place between those of its neighbours. There is room for 2**32 in each gap at first; where it runs
out, some neighbours move as well. Before the first photo and behind the last, there is room for all that come.
"""

from array import array
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from indexer.values import Ids

GAP = 2**32
# No place is farther from zero, so that differences of places fit into 64 bits.
MOST = 2**61
# Where room ran out, each gap gets that much, so that it does not run out again soon.
_ROOM = 2**20
_AT_ONCE = 65_536


def fresh(photos: int) -> Ids:
    """Places for photos of which none has one."""
    places: Ids = np.arange(photos, dtype=np.int64) * min(GAP, MOST // max(1, photos))
    return places


def arranged(before: Ids, known: NDArray[np.bool_]) -> Ids:
    """A place for each photo, in their order; `before` are the places of those that are `known` to have one."""
    kept = _increasing(before, known)
    while True:
        if not kept.any():
            return fresh(len(before))
        places, tight = _spread(before, kept)
        if not len(tight):
            if max(-int(places[0]), int(places[-1])) > MOST:
                return fresh(len(before))
            return places
        for first, last in tight:
            _widen(before, kept, first, last)


def _increasing(before: Ids, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which photos keep their places: as many as can, with places that grow."""
    kept, at = known.copy(), np.flatnonzero(known)
    values = before[at]
    if not (np.diff(values) <= 0).any():
        return kept
    # What is larger than all before it, and smaller than all behind, stays; between such, each stretch is on its own.
    high = np.maximum.accumulate(values)
    low = np.minimum.accumulate(values[::-1])[::-1]
    settled = np.ones(len(values), dtype=bool)
    settled[1:] &= values[1:] > high[:-1]
    settled[:-1] &= values[:-1] < low[1:]
    kept[at[~settled]] = False
    edges = np.flatnonzero(np.diff(np.concatenate(([False], ~settled, [False]))))
    for start, end in edges.reshape(-1, 2).tolist():
        kept[at[start + _longest(values[start:end])]] = True
    return kept


def _longest(values: Ids) -> NDArray[np.int64]:
    """The positions of a longest strictly increasing subsequence."""
    # Of all such sequences of each length found so far: the smallest last value, and where it is.
    ends, where = array("q"), array("q")
    previous = np.full(len(values), -1, dtype=np.int64)
    for start in range(0, len(values), _AT_ONCE):
        for place, value in enumerate(values[start : start + _AT_ONCE].tolist(), start):
            at = len(ends) if not ends or value > ends[-1] else bisect_left(ends, value)
            if at == len(ends):
                ends.append(value)
                where.append(place)
            else:
                ends[at], where[at] = value, place
            if at:
                previous[place] = where[at - 1]
    found = np.empty(len(ends), dtype=np.int64)
    place = where[-1]
    for at in range(len(ends) - 1, -1, -1):
        found[at], place = place, int(previous[place])
    return found


def _spread(before: Ids, kept: NDArray[np.bool_]) -> tuple[Ids, list[tuple[int, int]]]:
    """Places for all, those that are kept unchanged; and the stretches, from and up to, whose gap has no room."""
    places = before.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], ~kept, [False])))).reshape(-1, 2)
    if not len(edges):
        return places, []
    starts, ends = edges[:, 0], edges[:, 1]
    counts = ends - starts
    low, high = np.empty(len(edges), np.int64), np.empty(len(edges), np.int64)
    inner, outer = starts > 0, ends < len(before)
    low[inner], high[outer] = before[starts[inner] - 1], before[ends[outer]]
    low[~inner] = high[~inner] - (counts[~inner] + 1) * GAP
    high[~outer] = low[~outer] + (counts[~outer] + 1) * GAP
    steps = (high - low) // (counts + 1)
    which = np.repeat(np.arange(len(edges)), counts)
    position = np.flatnonzero(~kept)
    places[position] = low[which] + steps[which] * (position - starts[which] + 1)
    return places, [(int(first), int(last)) for first, last in edges[steps == 0]]


def _widen(before: Ids, kept: NDArray[np.bool_], first: int, last: int) -> None:
    """Let so many neighbours of a stretch without room move that there is."""
    width, total = last - first, len(before)
    while True:
        width *= 2
        first, last = max(0, first - width), min(total, last + width)
        kept[first:last] = False
        left, right = _nearest(kept[:first][::-1]), _nearest(kept[last:])
        if left is None or right is None:
            return
        low, high = first - 1 - left, last + right
        if int(before[high]) - int(before[low]) >= (high - low) * _ROOM:
            return


def _nearest(kept: NDArray[np.bool_]) -> int | None:
    """How far away the first is that is kept."""
    at = int(kept.argmax()) if len(kept) else 0
    return at if len(kept) and kept[at] else None
