"""Near-duplicates: photos so similar that a page of results needs only one of them.

A photo joins an earlier one if their cosine is at least THRESHOLD, or if their signatures match. It is compared only
with the leaders of groups, so that a chain of small steps never connects quite different pictures.

Comparing all pairs of a million photos would take days. So photos are compared only with those of the same cells; later
runs compare only new photos, by searching for them. What short vectors cannot rule out, whole ones decide.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates import signatures
from indexer.duplicates.cells import THRESHOLD, Cell, Short, cells
from indexer.duplicates.contents import Contents
from indexer.duplicates.pairs import KEPT, Gathered, Keys, Pairs, keys, places
from indexer.stores import Ids, OnStep, Store
from model.modality import Vectors

_BLOCK = 1024
# If more pairs of a block remain, whole vectors are compared at once: there are many copies.
_MANY = 2 * KEPT * _BLOCK
# Most new photos to compare with an exact store, which scans everything.
_FEW_NEW = 2000
# Those in which photos differ most are enough to tell nearly all of them apart, in a quarter of the time.
_COLUMNS = 128
_ROUNDING = 1e-4
# Beyond this share of new photos, comparing all with all takes hardly longer.
_MOST_NEW = 0.05

At = Callable[[Ids], Vectors]


def all_pairs(
    contents: Contents, on_step: OnStep | None = None, new: NDArray[np.bool_] | None = None
) -> Pairs:
    """For each place, the earlier places of similar photos; if some are `new`, only for these, earlier and later."""
    tell = on_step or (lambda *_: None)
    found = Gathered()
    likely = _Likely(contents, found)
    done, total = 0, len(contents)
    for cell in cells(contents, tell):
        _compare(cell, contents, likely, found, new)
        done += len(cell)
        # Most are in two cells.
        tell("comparing", min(done // 2, total), total)
    likely.settle()
    tell("comparing", total, total)
    _add_alike(contents, found, new)
    return found.pairs()


def few_are_new(new: int, of: int, *, exact: bool) -> bool:
    """Whether `new_pairs` is faster."""
    return new <= _MOST_NEW * of and (not exact or new <= _FEW_NEW)


def new_pairs(contents: Contents, wanted: Ids, store: Store | None) -> Pairs:
    """For some places only, all similar ones, earlier and later; without a store that finds them, by a scan."""
    found = Gathered()
    near = _scanned(contents, wanted, reading(contents, store))
    if store is not None and not store.exact:
        near = _searched(contents, wanted, store)
    for some in near:
        found.add(some)
    new = np.zeros(len(contents), dtype=bool)
    new[wanted] = True
    _add_alike(contents, found, new)
    return found.pairs()


def stand_ins(contents: Contents, alike: Pairs, before: tuple[Ids, Ids], at: At | None = None) -> Ids:
    """For each place the leader of its group, itself if it has none.

    Groups from `before`, as places and their leaders, stay as they were. `at` reads vectors.
    """
    leader = np.arange(len(contents), dtype=np.int64)
    leader[before[0]] = before[1]
    # In a group, or its leader: both stay what they are.
    settled = np.zeros(len(contents), dtype=bool)
    settled[before[0]], settled[before[1]] = True, True
    for ones, others in alike.blocks(_BLOCK):
        # Whatever leads one of them will be among these.
        there = np.unique(np.concatenate([ones, others, leader[others]]))
        vectors, seen = (at or contents.at)(there), contents.signatures[there]
        starts = np.flatnonzero(np.diff(ones, prepend=-1))
        for place, start, end in zip(
            ones[starts].tolist(), starts.tolist(), [*starts[1:].tolist(), len(ones)], strict=True
        ):
            leaders = np.setdiff1d(leader[others[start:end]], [place])
            if settled[place] or not len(leaders):
                continue
            own, theirs = np.searchsorted(there, [place]), np.searchsorted(there, leaders)
            near = vectors[theirs] @ vectors[own[0]]
            near[signatures.alike(seen[theirs], seen[own])] += 1.0
            if near.max() >= THRESHOLD:
                leader[place] = leaders[int(near.argmax())]
                settled[leader[place]] = True
    return leader


def _add_alike(contents: Contents, found: Gathered, new: NDArray[np.bool_] | None) -> None:
    for later, earlier in signatures.matching(contents.signatures, new, contents.room):
        if new is not None:
            swapped = ~new[later]
            later, earlier = np.where(swapped, earlier, later), np.where(swapped, later, earlier)
        found.add(keys(later, earlier))


class _Likely:
    """Pairs that short vectors do not rule out, until whole vectors decide."""

    def __init__(self, contents: Contents, found: Gathered) -> None:
        self._contents, self._found = contents, found
        self._pairs: list[Keys] = []
        self._count = 0
        wide = 4 * contents.source.dimension
        # Two vectors, and as much again to multiply them.
        self._block = max(1, contents.room.memory // (4 * wide))
        self._most = max(1, contents.room.memory // 32)

    def add(self, some: Keys) -> None:
        if not len(some):
            return
        self._pairs.append(some)
        self._count += len(some)
        if self._count > self._most:
            self.settle()

    def settle(self) -> None:
        likely = np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *self._pairs]))
        self._pairs, self._count = [], 0
        for start in range(0, len(likely), self._block):
            some = likely[start : start + self._block]
            ones, others = places(some)
            there = np.unique(np.concatenate([ones, others]))
            vectors = self._contents.at(there)
            ones, others = np.searchsorted(there, ones), np.searchsorted(there, others)
            near = np.concatenate(
                [
                    np.einsum("ij,ij->i", vectors[ones[part]], vectors[others[part]])
                    for part in np.split(np.arange(len(some)), range(_BLOCK, len(some), _BLOCK))
                ]
            )
            self._found.add(some[near >= THRESHOLD])


def _compare(
    cell: Cell, contents: Contents, likely: _Likely, found: Gathered, new: NDArray[np.bool_] | None
) -> None:
    """Compare each with the earlier ones, or each that is new with all."""
    asked = np.arange(len(cell)) if new is None else np.flatnonzero(new[cell.places])
    if not len(asked):
        return
    short, whole = cell.short(), None
    for start in range(0, len(asked), _BLOCK):
        part = asked[start : start + _BLOCK]
        end = len(cell) if new is not None else int(part[-1]) + 1
        ones, others = _at_least(THRESHOLD - Short.SLACK, short[part], short[:end], part, new)
        if len(ones) <= _MANY:
            likely.add(keys(cell.places[ones], cell.places[others]))
            continue
        if whole is None:
            whole = contents.at(cell.places)
        ones, others = _at_least(THRESHOLD, whole[part], whole[:end], part, new)
        found.add(Pairs.of(keys(cell.places[ones], cell.places[others])).keys)


def _at_least(
    limit: float, some: Vectors, among: Vectors, numbers: Ids, new: NDArray[np.bool_] | None
) -> tuple[Ids, Ids]:
    # Flat, which NumPy searches several times as fast.
    ones, others = np.divmod(np.flatnonzero(some @ among.T >= limit), len(among))
    ones = numbers[ones]
    kept = others < ones if new is None else others != ones
    return ones[kept], others[kept]


def reading(contents: Contents, store: Store | None) -> At:
    """Reads vectors, from the store if there is one: it may have been extended, and keeps those that were published."""
    return contents.at if store is None else lambda wanted: store.vectors(contents.ids[wanted])


def _searched(contents: Contents, wanted: Ids, store: Store) -> Iterator[Keys]:
    """Pairs of similar photos, by searching for them."""
    order = np.argsort(contents.ids)
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        found, scores = store.search(store.vectors(contents.ids[block]), 2 * KEPT)
        rows, columns = np.nonzero(scores >= THRESHOLD)
        ones, others = block[rows], found[rows, columns]
        at = order[np.minimum(np.searchsorted(contents.ids, others, sorter=order), len(order) - 1)]
        # The store also has exact copies, which are not among the contents.
        known = (contents.ids[at] == others) & (at != ones)
        yield keys(ones[known], at[known])


def _scanned(contents: Contents, wanted: Ids, at: At) -> Iterator[Keys]:
    """Pairs of similar photos, by a single scan."""
    if not len(wanted):
        return
    asked = at(wanted)
    columns = np.argsort(-asked.var(axis=0))[:_COLUMNS]
    short = _shortened(asked, columns)
    for first in range(0, len(contents), _BLOCK * 8):
        some = np.arange(first, min(first + _BLOCK * 8, len(contents)))
        rows = at(some)
        below = _shortened(rows, columns).T
        for start in range(0, len(asked), _BLOCK):
            part = slice(start, start + _BLOCK)
            near = np.flatnonzero(short[part] @ below >= THRESHOLD - _ROUNDING)
            ones, others = np.divmod(near, len(rows))
            if len(ones) > _BLOCK * KEPT:
                ones, others = np.nonzero(asked[part] @ rows.T >= THRESHOLD)
            else:
                same = np.einsum("ij,ij->i", asked[part][ones], rows[others]) >= THRESHOLD
                ones, others = ones[same], others[same]
            ones, others = wanted[start + ones], some[others]
            yield keys(ones, others)[ones != others]


def _shortened(vectors: Vectors, columns: Ids) -> Vectors:
    """Some columns, and the length of the rest: the inner product of two is at least that of the whole vectors."""
    few = vectors[:, columns]
    rest = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", few, few)
    short: Vectors = np.concatenate([few, np.sqrt(np.maximum(rest, 0))[:, None]], axis=1)
    return short
