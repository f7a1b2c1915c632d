"""Change a live table in place: send the rows that differ, delete those that are gone, prove the result.

What differs is found by comparing the stamps of all rows (see `rows.stamp_of`), here and on the server. So a change
that was killed is completed by the next, and nothing is sent twice. Services find old and new rows while it goes on.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexer.conditions import Compare, Condition, between, every
from indexer.errors import IndexProblem
from indexer.remote.database import CURRENT, Database, Table
from indexer.remote.library import RemoteLibrary
from indexer.remote.live import places
from indexer.remote.live.order import STEP, Order
from indexer.remote.manifest import Description, Measured, RemoteFacts
from indexer.remote.proof import SAMPLES, Truth, complete, gone, measure, read_back
from indexer.remote.publishing import BATCH, Prepared, Rows, batches, texts
from indexer.remote.rows import STAMP
from indexer.stores import Ids, OnStep, isin
from model.modality import Vectors

# When so many of all rows have changed, the recall is measured again.
_MANY = 0.25
# Rows of an answer with three numbers each.
_ROWS = 16_000


def may_change(database: Database, before: RemoteFacts, wanted: Description) -> bool:
    """Whether a table can be changed into what is wanted, or another must be written."""
    old = before.described
    same = ("live", "fingerprint", "dimension", "bank", "tail", "parts", "part_bytes", "index_type")
    if not old.live or any(getattr(old, name) != getattr(wanted, name) for name in same):
        return False
    # One that has become smaller keeps its better index.
    return not before.measured.exact or database.kind_of(wanted.layout) == before.measured.kind


def change(
    database: Database,
    before: RemoteLibrary,
    wanted: Description,
    ready: Prepared,
    where: str,
    on_step: OnStep,
) -> Measured:
    """Change the table of a generation, and prove it; in the end, its texts say what it is now."""
    found = before.manifest.measured
    table = database.table(wanted.generation, wanted.layout, found.built)
    there = _Known.read(table, before.order, on_step)
    rows = Rows(ready, wanted, there.arranged(ready.order.ids))
    changed, lost = _differing(rows, there, ready, on_step), there.ids[~isin(there.ids, ready.order.ids)]
    chance = np.random.default_rng(wanted.revision)
    samples = _send(database, wanted, ready, rows, (changed, lost), chance, on_step)
    complete(table, wanted.photos, where)
    read_back(table, samples, where)
    gone(table, _some(lost, chance).tolist(), where)
    found = replace(
        found,
        changed=found.changed + len(changed) + len(lost),
        folded=ready.photos.count_folded(),
        server=database.version(),
    )
    if found.changed > _MANY * wanted.photos:
        found = _measured(table, found, wanted, ready, rows)
    if database.pointer(CURRENT) != wanted.generation:
        raise IndexProblem(f"{where}: another indexer published meanwhile; run this again")
    database.write_texts(wanted.generation, texts(ready, wanted, found, rows.places).items())
    return found


class _Known:
    """The ids that the server has, sorted, and the place and the stamp of each: 24 bytes a photo."""

    def __init__(self, ids: Ids, at: Ids, stamps: Ids) -> None:
        by_id = np.argsort(ids)
        self.ids, self._places, self._stamps = ids[by_id], at[by_id], stamps[by_id]

    @classmethod
    def read(cls, table: Table, order: Order, on_step: OnStep) -> "_Known":
        """All rows, a range of places at a time; whatever killed publications left, too."""
        most = min(table.most, _ROWS)
        edges: list[int | None] = [None, *order.rungs[:-1][:: max(1, most // STEP - 1)][1:].tolist(), None]
        parts = [np.empty((3, 0), dtype=np.int64)]
        for number, (low, high) in enumerate(pairwise(edges), 1):
            parts += _rows_between(table, low, high, most)
            on_step("reading the table", order.photos * number // (len(edges) - 1), order.photos)
        return cls(*np.concatenate(parts, axis=1))

    def arranged(self, ids: Ids) -> Ids:
        """Places for these photos, newest first; as many as can stay where they are."""
        at, known = self._find(ids)
        before = np.zeros(len(ids), dtype=np.int64)
        before[known] = self._places[at[known]]
        return places.arranged(before, known)

    def differ(self, ids: Ids, stamps: Ids) -> NDArray[np.bool_]:
        """Which of these rows the server does not have like this."""
        at, known = self._find(ids)
        known[known] = self._stamps[at[known]] == stamps[known]
        return ~known

    def _find(self, ids: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        if not len(self.ids):
            return np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=bool)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return at, self.ids[at] == ids


def _rows_between(table: Table, low: int | None, high: int | None, most: int) -> list[Ids]:
    """Id, place, and stamp of each row between two places."""
    columns = ["id", "place", STAMP]
    found = table.select(columns, _within(low, high), most, strong=True)
    if len(found["id"]) < most:
        return [np.array([found[name] for name in columns], dtype=np.int64)]
    first, last = -2 * places.MOST if low is None else low, 2 * places.MOST if high is None else high
    if last - first < 2:
        raise IndexProblem("the table has too many rows at one place; publish it with --no-live")
    # The answer shows how the rows are spread.
    middle = min(last - 1, max(first + 1, int(np.median(found["place"]))))
    return _rows_between(table, low, middle, most) + _rows_between(table, middle, high, most)


def _within(low: int | None, high: int | None) -> Condition:
    if low is not None and high is not None:
        return between("place", low, high)
    above = [] if low is None else [Compare("place", ">=", low)]
    return every([*above, *([] if high is None else [Compare("place", "<", high)])])


def _differing(rows: Rows, there: _Known, ready: Prepared, on_step: OnStep) -> Ids:
    """The ids of rows to be sent."""
    ids = np.sort(ready.order.ids)
    parts = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        parts.append(some[there.differ(some, rows.stamps(some))])
        on_step("comparing", min(start + BATCH, len(ids)), len(ids))
    return np.concatenate(parts)


def _send(
    database: Database,
    wanted: Description,
    ready: Prepared,
    rows: Rows,
    different: tuple[Ids, Ids],
    chance: np.random.Generator,
    on_step: OnStep,
) -> dict[int, Vectors]:
    """Write the rows that changed, and delete those that are lost; returns the vectors of some that were written."""
    changed, lost = different
    samples: dict[int, Vectors] = {}
    looked_at, done = set(_some(changed, chance).tolist()), 0
    if not len(changed) and not len(lost):
        return samples
    with database.change(wanted.generation, wanted.layout) as changer:
        for ids, vectors in batches(ready.source.only(changed)) if len(changed) else ():
            changer.put(rows.batch(ids, vectors))
            for number in looked_at.intersection(ids.tolist()):
                samples[number] = vectors[int(np.flatnonzero(ids == number)[0])].copy()
            done += len(ids)
            on_step("uploading", done, len(changed))
        for start in range(0, len(lost), BATCH):
            changer.delete(lost[start : start + BATCH].tolist())
        changer.finish(on_step)
    return samples


def _some(ids: Ids, chance: np.random.Generator) -> Ids:
    return chance.choice(ids, min(SAMPLES, len(ids)), replace=False) if len(ids) else ids


def _measured(table: Table, found: Measured, wanted: Description, ready: Prepared, rows: Rows) -> Measured:
    """The recall of the table as it is now, for which all vectors are read."""
    truth = Truth(ready.source, wanted.photos, wanted.revision, rows.places.at)
    for ids, vectors in batches(ready.source):
        truth.learn(ids, rows.places.of(ids), vectors)
    return replace(found, changed=0, **vars(measure(table, found.built, truth)))
