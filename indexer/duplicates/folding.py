"""Fold near-duplicates when a generation is published: which photos are new, what they resemble, and who leads.

Works from the collection's vectors alone, wherever the generation is published. An open store, if there is one, finds
the neighbours of a few new photos faster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates import groups
from indexer.duplicates.groups import Pairs, Vectored
from indexer.stores import Ids, OnStep, Source, Store
from model.modality import Vectors

if TYPE_CHECKING:
    from indexer.collection import Inventory
    from indexer.generations.photos import PhotosWriter


@dataclass(frozen=True)
class Older:
    """An older generation of the same model: its photo list, and the photos that have the same content there."""

    photos: Path
    unchanged: Ids


def fold(
    photos: "PhotosWriter",
    inventory: "Inventory",
    older: Older | None = None,
    store: Store | None = None,
    on_step: OnStep | None = None,
) -> None:
    """Mark the near-duplicates in a list of photos, after all of them were written to it.

    Groups of the `older` generation stay as they were. `store` contains these very photos.
    """
    known = {} if older is None else photos.groups_in(older.photos)
    photos.fold(_folded(inventory, older, known, store, on_step))


def _folded(
    inventory: "Inventory",
    older: Older | None,
    groups_before: dict[int, int],
    store: Store | None,
    on_step: OnStep | None,
) -> Iterator[tuple[int, int]]:
    """Ids of near-duplicates, each with the leader of its group."""
    ids, originals, seen = inventory.ids, inventory.originals, inventory.signatures()
    first = np.flatnonzero(originals == np.arange(len(ids)))
    contents = ids[first]
    source = inventory.vectors
    vectored: Vectored = _Read(source, contents, first) if store is None else store
    known: dict[int, int] = {}
    new = np.arange(len(contents))
    if older is not None:
        same = np.isin(contents, older.unchanged)
        known, new = _known_groups(contents, same, groups_before), np.flatnonzero(~same)
    alike: Pairs
    if older is not None and groups.few_are_new(len(new), len(contents), vectored):
        alike = groups.new_pairs(new, contents, vectored, seen)
    else:
        known, alike = {}, groups.all_pairs(source, contents, vectored, seen, on_step)
    leaders = contents[groups.stand_ins(contents, alike, known, vectored, seen)]
    place = np.searchsorted(first, originals)
    for one, leader in zip(ids.tolist(), leaders[place].tolist(), strict=True):
        if one != leader:
            yield one, leader


class _Read:
    """Vectors of contents, read from the source whose photos at `places` they are."""

    exact = True

    def __init__(self, source: Source, contents: Ids, places: Ids) -> None:
        self._source, self._places = source, places
        self._order = np.argsort(contents)
        self._sorted = contents[self._order]

    def vectors(self, ids: Ids) -> Vectors:
        return self._source.at(self._places[self._order[np.searchsorted(self._sorted, ids)]])


def _known_groups(contents: Ids, same: NDArray[np.bool_], groups: dict[int, int]) -> dict[int, int]:
    """The previous groups, as place and leader; if a leader is gone, the first remaining member replaces it."""
    if not groups:
        return {}
    standing = set(groups.values())
    members = [
        p for p in np.flatnonzero(same).tolist() if int(contents[p]) in groups or int(contents[p]) in standing
    ]
    chosen: dict[int, int] = {}
    for place in members:
        if int(contents[place]) not in groups:
            chosen[int(contents[place])] = place
    known: dict[int, int] = {}
    for place in members:
        leader = chosen.setdefault(groups.get(int(contents[place]), int(contents[place])), place)
        if leader != place:
            known[place] = leader
    return known
