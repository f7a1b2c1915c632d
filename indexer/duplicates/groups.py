"""Near-duplicates: photos so similar that a page of results needs only one of them.

A photo joins an earlier one if their cosine is at least THRESHOLD, or if their signatures match. It is compared only
with the leaders of groups, so that a chain of small steps never connects quite different pictures.

Comparing all pairs of a million photos would take days. So each photo is assigned to the nearest two of about 2 sqrt(n)
landmark photos, and compared only with photos of the same landmark; near-duplicates nearly always share one. Later
runs compare only new photos, by searching for them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates import signatures
from indexer.duplicates.signatures import Signatures
from indexer.stores import Ids, OnStep, Source, Store
from model.modality import Vectors

# The most similar of 31,200 pairs of different photos of one Sketchy class have a cosine of .958.
THRESHOLD = 0.96
_LANDMARKS = 2
_MOST_LANDMARKS = 2048
_FROM = 2000
# Most photos to compare with each other, and most matches to keep for each.
_WINDOW = 16_384
_BLOCK = 1024
_KEPT = 8
# Most new photos to compare with an exact store, which scans everything.
_FEW_NEW = 2000
# Those in which photos differ most are enough to tell nearly all of them apart, in a quarter of the time.
_COLUMNS = 128
_ROUNDING = 1e-4
# Beyond this share of new photos, comparing all with all takes hardly longer.
_MOST_NEW = 0.05

Pairs = Mapping[int, list[int]]


class Vectored(Protocol):
    """Whatever has the vectors of these photos; what is not exact is a store, which can search them, too."""

    @property
    def exact(self) -> bool: ...

    def vectors(self, ids: Ids) -> Vectors:
        """Those of existing ids."""
        ...


def all_pairs(
    source: Source, ids: Ids, store: Vectored, seen: Signatures, on_step: OnStep | None = None
) -> Pairs:
    """For each place in `ids`, the earlier places of similar photos; `ids` are in the order of the source.

    `seen` holds their signatures.
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


def few_are_new(new: int, of: int, store: Vectored) -> bool:
    """Whether `new_pairs` is faster."""
    return new <= _MOST_NEW * of and (not store.exact or new <= _FEW_NEW)


def new_pairs(wanted: Ids, ids: Ids, store: Vectored, seen: Signatures) -> Pairs:
    """For some places only, all similar ones, earlier and later."""
    order = np.argsort(ids)
    found: dict[int, set[int]] = defaultdict(set)
    for place, others in _near(wanted, ids, store):
        at = np.minimum(np.searchsorted(ids, others, sorter=order), len(ids) - 1)
        # The store also has exact copies, which are not in `ids`.
        known = order[at][ids[order[at]] == others]
        found[place].update(known[known != place].tolist())
    new = np.zeros(len(ids), dtype=bool)
    new[wanted] = True
    for later, earlier in zip(*(part.tolist() for part in signatures.pairs(seen, new)), strict=True):
        one, other = (later, earlier) if new[later] else (earlier, later)
        found[one].add(other)
    return {place: sorted(others)[:_KEPT] for place, others in found.items() if others}


def _near(wanted: Ids, ids: Ids, store: Vectored) -> Iterator[tuple[int, Ids]]:
    """Places with the ids of similar photos, found by searching, or if the store is exact, by a single scan."""
    blocks = [wanted[start : start + _BLOCK] for start in range(0, len(wanted), _BLOCK)]
    vectors = [store.vectors(ids[block]) for block in blocks]
    if not store.exact:
        for block, asked in zip(blocks, vectors, strict=True):
            nearest = cast(Store, store).search(asked, 2 * _KEPT)
            for place, others, scores in zip(block.tolist(), nearest.ids, nearest.scores, strict=True):
                yield place, others[scores >= THRESHOLD]
        return
    if not vectors:
        return
    asked = np.concatenate(vectors)
    columns = np.argsort(-asked.var(axis=0))[:_COLUMNS]
    short = _shortened(asked, columns)
    for first in range(0, len(ids), _BLOCK * 8):
        some = ids[first : first + _BLOCK * 8]
        rows = store.vectors(some)
        below = _shortened(rows, columns).T
        for start in range(0, len(asked), _BLOCK):
            part = slice(start, start + _BLOCK)
            # Flat, which NumPy searches several times as fast.
            near = np.flatnonzero(short[part] @ below >= THRESHOLD - _ROUNDING)
            ones, others = np.divmod(near, len(rows))
            if len(ones) > _BLOCK * _KEPT:
                ones, others = np.nonzero(asked[part] @ rows.T >= THRESHOLD)
            else:
                same = np.einsum("ij,ij->i", asked[part][ones], rows[others]) >= THRESHOLD
                ones, others = ones[same], others[same]
            for place in np.unique(ones):
                yield int(wanted[start + place]), some[others[ones == place]]


def _shortened(vectors: Vectors, columns: Ids) -> Vectors:
    """Some columns, and the length of the rest: the inner product of two is at least that of the whole vectors."""
    few = vectors[:, columns]
    rest = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", few, few)
    short: Vectors = np.concatenate([few, np.sqrt(np.maximum(rest, 0))[:, None]], axis=1)
    return short


def stand_ins(
    ids: Ids, alike: Pairs, before: Mapping[int, int], store: Vectored, seen: Signatures
) -> NDArray[np.int64]:
    """For each place the leader of its group, itself if it has none; groups in `before` stay as they were."""
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


def _cells(source: Source, ids: Ids, store: Vectored, tell: OnStep) -> Sequence[Ids]:
    """Groups of places to compare; each place is in as many cells as it has landmarks."""
    if len(ids) <= _FROM:
        return [np.arange(len(ids), dtype=np.int64)]
    landmarks = _distinct(source.sample(int(min(2 * len(ids) ** 0.5, _MOST_LANDMARKS))))
    filed = np.empty((len(ids), min(_LANDMARKS, len(landmarks))), dtype=np.int32)
    for start in range(0, len(ids), _BLOCK * 8):
        nearness = store.vectors(ids[start : start + _BLOCK * 8]) @ landmarks.T
        for column in range(filed.shape[1]):
            # Taking the maximum twice is a hundred times as fast as a partial sort.
            best = nearness.argmax(axis=1)
            filed[start : start + len(best), column] = best
            nearness[np.arange(len(best)), best] = -np.inf
        tell("grouping", start + len(nearness), len(ids))
    order = np.argsort(filed, axis=None, kind="stable")
    sizes = np.bincount(filed.ravel(), minlength=len(landmarks))
    return np.split(order // filed.shape[1], np.cumsum(sizes)[:-1])


def _distinct(landmarks: Vectors) -> Vectors:
    """Keep one of similar landmarks: otherwise rounding would decide which one is nearest to a photo."""
    alike = np.tril(landmarks @ landmarks.T >= THRESHOLD, -1)
    return landmarks[~alike.any(axis=1)]


def _compare(cell: Ids, ids: Ids, store: Vectored, found: dict[int, set[int]]) -> None:
    vectors = store.vectors(ids[cell])
    for start in range(0, len(cell), _BLOCK):
        part = vectors[start : start + _BLOCK]
        alike = part @ vectors[: start + len(part)].T >= THRESHOLD
        later, earlier = np.nonzero(np.tril(alike, start - 1))
        if len(later):
            # Of many matches, keep the earliest: they become the leaders.
            first = np.r_[True, later[1:] != later[:-1]]
            rank = np.arange(len(later)) - np.maximum.accumulate(np.where(first, np.arange(len(later)), 0))
            kept = rank < _KEPT
            for one, other in zip(later[kept].tolist(), earlier[kept].tolist(), strict=True):
                found[int(cell[start + one])].add(int(cell[other]))
