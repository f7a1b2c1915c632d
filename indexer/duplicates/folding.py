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
from indexer.duplicates.contents import Contents
from indexer.duplicates.room import Room
from indexer.stores import Ids, OnStep, Store, isin

if TYPE_CHECKING:
    from indexer.collection import Inventory
    from indexer.generations.photos import PhotosWriter

_CHUNK = 65_536
_NONE = (np.empty(0, np.int64), np.empty(0, np.int64))


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

    Groups of the `older` generation stay as they were. `store` contains these very photos. What does not fit in little
    memory goes to files beside the list, until this returns.
    """
    with Room(photos.path.parent) as room:
        contents = Contents(
            inventory.ids[inventory.first],
            np.flatnonzero(inventory.first),
            inventory.vectors,
            inventory.signatures(room),
            room,
        )
        before = None if older is None else photos.groups_in(older.photos)
        leaders = _leaders(contents, older, before, store, on_step)
        photos.fold(_folded(inventory, contents.ids[leaders]))


def _leaders(
    contents: Contents,
    older: Older | None,
    before: tuple[Ids, Ids] | None,
    store: Store | None,
    on_step: OnStep | None,
) -> Ids:
    """For each place the leader of its group."""
    at = None if store is None else groups.reading(contents, store)
    if older is not None and before is not None:
        same = isin(contents.ids, older.unchanged)
        new = np.flatnonzero(~same)
        if groups.few_are_new(len(new), len(contents), exact=store is None or store.exact):
            alike = groups.new_pairs(contents, new, store)
            return groups.stand_ins(contents, alike, known_groups(contents.ids, same, *before), at)
        if store is None and groups.few_are_new(len(new), len(contents), exact=False):
            alike = groups.all_pairs(contents, on_step, ~same)
            return groups.stand_ins(contents, alike, known_groups(contents.ids, same, *before))
    return groups.stand_ins(contents, groups.all_pairs(contents, on_step), _NONE)


def _folded(inventory: "Inventory", leaders: Ids) -> Iterator[tuple[int, int]]:
    """Ids of near-duplicates, each with the leader of its group, by id; `leaders` are those of the contents."""
    leaders = leaders[np.cumsum(inventory.first) - 1]
    folded = np.flatnonzero(inventory.ids != leaders)
    folded = folded[np.argsort(inventory.ids[folded])]
    for start in range(0, len(folded), _CHUNK):
        part = folded[start : start + _CHUNK]
        yield from zip(inventory.ids[part].tolist(), leaders[part].tolist(), strict=True)


def known_groups(contents: Ids, same: NDArray[np.bool_], folded: Ids, leaders: Ids) -> tuple[Ids, Ids]:
    """The previous groups, as places and leaders; if a leader is gone, the first remaining member replaces it.

    `folded`, sorted, are the ids that were folded under the `leaders`; contents that are the `same` may remain so.
    """
    group, was_folded = contents.copy(), np.zeros(len(contents), dtype=bool)
    if len(folded):
        at = np.minimum(np.searchsorted(folded, contents), len(folded) - 1)
        was_folded = folded[at] == contents
        group[was_folded] = leaders[at[was_folded]]
    members = np.flatnonzero(same & (was_folded | isin(contents, np.unique(leaders))))
    _, number = np.unique(group[members], return_inverse=True)
    chosen = np.empty(len(members), dtype=np.int64)
    # What is written last stays: the first member, or better the leader itself.
    chosen[number[::-1]] = members[::-1]
    standing = ~was_folded[members]
    chosen[number[standing]] = members[standing]
    leading = chosen[number]
    others = members != leading
    return members[others], leading[others]
