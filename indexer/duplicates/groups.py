"""Near-duplicates: photos so alike that a page of results needs only one of them.

A photo is folded under an earlier one whose vector is at least THRESHOLD near it, or that looks alike from afar.
Only photos that stand for a group are compared with, so that a series of small steps never leads from one picture to
quite another.

All pairs of a million photos would take days. Each photo is therefore filed under the two nearest of about
2 sqrt(n) photos that serve as landmarks, and compared with those under the same landmark; near-duplicates have
nearly always one in common. A later run compares only what is new, by searching for it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates import signatures
from indexer.duplicates.signatures import Looks
from indexer.stores import Ids, OnStep, Source, Store
from model.modality import Vectors

# Of 31,200 pairs of different photos of one Sketchy class the most alike are at .958.
THRESHOLD = 0.96
_LANDMARKS = 2
_MOST_LANDMARKS = 2048
_FROM = 2000
# So many are compared with one another at most, and so many of what is alike is remembered for each.
_WINDOW = 16_384
_BLOCK = 1024
_KEPT = 8
# Of how many new ones each is compared with all, where that is done one by one.
_FEW_NEW = 2000
# Beyond this share, comparing all with all takes hardly longer.
_MOST_NEW = 0.05

Pairs = Mapping[int, list[int]]


def all_pairs(source: Source, ids: Ids, store: Store, seen: Looks, on_step: OnStep | None = None) -> Pairs:
    """For each place in `ids` the earlier places that are alike; `ids` come in the order of the source.

    `seen` tells how each of them looks.
    """
    tell = on_step or (lambda *_: None)
    found: dict[int, set[int]] = defaultdict(set)
    cells, done = _cells(source, ids, store, tell), 0
    total = sum(map(len, cells))
    for cell in cells:
        done += len(cell)
        tell("comparing", done, total)
        for start in range(0, len(cell), _WINDOW):
            _compare(cell[start : start + _WINDOW], ids, store, found)
    for later, earlier in zip(*(part.tolist() for part in signatures.pairs(seen)), strict=True):
        found[later].add(earlier)
    return {place: sorted(others)[:_KEPT] for place, others in found.items()}


def few_are_new(new: int, of: int, store: Store) -> bool:
    """Whether `new_pairs` is the quicker way."""
    return new <= _MOST_NEW * of and (not store.exact or new <= _FEW_NEW)


def new_pairs(wanted: Ids, source: Source, ids: Ids, store: Store, seen: Looks) -> Pairs:
    """The same for some places only, each compared with all; finds also what comes later."""
    order = np.argsort(ids)
    found: dict[int, set[int]] = defaultdict(set)
    for place, others in _near(wanted, source, ids, store):
        at = np.minimum(np.searchsorted(ids, others, sorter=order), len(ids) - 1)
        # Exact copies are in the store, but not among the ids that stand for contents.
        known = order[at][ids[order[at]] == others]
        found[place].update(known[known != place].tolist())
    new = np.zeros(len(ids), dtype=bool)
    new[wanted] = True
    for later, earlier in zip(*(part.tolist() for part in signatures.pairs(seen, new)), strict=True):
        one, other = (later, earlier) if new[later] else (earlier, later)
        found[one].add(other)
    return {place: sorted(others)[:_KEPT] for place, others in found.items() if others}


def _near(wanted: Ids, source: Source, ids: Ids, store: Store) -> Iterator[tuple[int, Ids]]:
    """Places, and ids of what is alike: by searching, or where that looks at everything, by one look at everything."""
    blocks = [wanted[start : start + _BLOCK] for start in range(0, len(wanted), _BLOCK)]
    vectors = [store.vectors(ids[block]) for block in blocks]
    if not store.exact:
        for block, asked in zip(blocks, vectors, strict=True):
            nearest = store.search(asked, 2 * _KEPT)
            for place, others, scores in zip(block.tolist(), nearest.ids, nearest.scores, strict=True):
                yield place, others[scores >= THRESHOLD]
        return
    for some, rows in source.batches() if blocks else ():
        for block, asked in zip(blocks, vectors, strict=True):
            ones, others = np.nonzero(asked @ rows.T >= THRESHOLD)
            for place in np.unique(ones):
                yield int(block[place]), some[others[ones == place]]


def stand_ins(
    ids: Ids, alike: Pairs, before: Mapping[int, int], store: Store, seen: Looks
) -> NDArray[np.int64]:
    """For each place the one that stands for it, itself where it is alone; `before` is kept as it was."""
    leader = np.arange(len(ids), dtype=np.int64)
    for place, other in before.items():
        leader[place] = other
    standing = set(before.values())
    for place in sorted(alike):
        leaders = sorted({int(leader[other]) for other in alike[place]} - {place})
        if place in before or place in standing or not leaders:
            continue
        near = store.vectors(ids[leaders]) @ store.vectors(ids[[place]])[0]
        same = signatures.alike(seen[leaders], seen[[place]])
        near[same] += 1.0
        if near.max() >= THRESHOLD:
            leader[place] = leaders[int(near.argmax())]
            standing.add(int(leader[place]))
    return leader


def _cells(source: Source, ids: Ids, store: Store, tell: OnStep) -> Sequence[Ids]:
    """Places that may be alike, together; each place is in as many cells as it has landmarks."""
    if len(ids) <= _FROM:
        return [np.arange(len(ids), dtype=np.int64)]
    landmarks = _distinct(source.sample(int(min(2 * len(ids) ** 0.5, _MOST_LANDMARKS))))
    filed = np.empty((len(ids), min(_LANDMARKS, len(landmarks))), dtype=np.int32)
    for start in range(0, len(ids), _BLOCK * 8):
        nearness = store.vectors(ids[start : start + _BLOCK * 8]) @ landmarks.T
        for column in range(filed.shape[1]):
            # Twice the largest is a hundred times as fast as sorting a part.
            best = nearness.argmax(axis=1)
            filed[start : start + len(best), column] = best
            nearness[np.arange(len(best)), best] = -np.inf
        tell("grouping", start + len(nearness), len(ids))
    order = np.argsort(filed, axis=None, kind="stable")
    sizes = np.bincount(filed.ravel(), minlength=len(landmarks))
    return np.split(order // filed.shape[1], np.cumsum(sizes)[:-1])


def _distinct(landmarks: Vectors) -> Vectors:
    """Of landmarks that are alike only one: which of them is nearest to a photo would be a matter of rounding."""
    alike = np.tril(landmarks @ landmarks.T >= THRESHOLD, -1)
    return landmarks[~alike.any(axis=1)]


def _compare(cell: Ids, ids: Ids, store: Store, found: dict[int, set[int]]) -> None:
    vectors = store.vectors(ids[cell])
    for start in range(0, len(cell), _BLOCK):
        part = vectors[start : start + _BLOCK]
        alike = part @ vectors[: start + len(part)].T >= THRESHOLD
        later, earlier = np.nonzero(np.tril(alike, start - 1))
        if len(later):
            # Of many that are alike, the earliest are those that stand for the others.
            first = np.r_[True, later[1:] != later[:-1]]
            rank = np.arange(len(later)) - np.maximum.accumulate(np.where(first, np.arange(len(later)), 0))
            kept = rank < _KEPT
            for one, other in zip(later[kept].tolist(), earlier[kept].tolist(), strict=True):
                found[int(cell[start + one])].add(int(cell[other]))
