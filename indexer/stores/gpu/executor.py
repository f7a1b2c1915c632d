"""The one thread that asks a card's indexes. FAISS allows no more, and queries that gather while it works become one
batch, which a card answers in hardly more time than one query."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from indexer.stores import Ids, Rows
from model.gpu import outcomes
from model.modality import Vectors

T = TypeVar("T")
# Queries in a batch: from here on they only wait for one another.
MOST = 256


class NearestRows(NamedTuple):
    """For each query a line of row numbers, best first, and their scores."""

    rows: Ids
    scores: Vectors


class Resident(Protocol):
    """What lies on a card; asked by one thread only."""

    # For people.
    name: str
    # Whether a search supports `among`; if not, it must be None.
    supports_filters: bool
    # The most results that a query can have.
    most: int

    def search(self, queries: Vectors, k: int, among: Rows | None) -> NearestRows: ...

    def close(self) -> None:
        """Gives its memory back to the card."""
        ...


@dataclass(eq=False)
class _Task:
    work: Callable[[], Any]
    answer: "Future[Any]" = field(default_factory=Future)


@dataclass(eq=False)
class _Query:
    resident: Resident
    queries: Vectors
    k: int
    among: Rows | None
    answer: "Future[NearestRows]" = field(default_factory=Future)

    def goes_with(self, other: "_Query | _Task") -> bool:
        return isinstance(other, _Query) and self.resident is other.resident and self.among is other.among


class Executor:
    """Its thread starts with the first work, and ends with the process."""

    def __init__(self) -> None:
        self._waiting: list[_Query | _Task] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, in the thread of the card."""
        task = _Task(work)
        self._put(task)
        result: T = task.answer.result()
        return result

    def search(self, resident: Resident, queries: Vectors, k: int, among: Rows | None = None) -> NearestRows:
        query = _Query(resident, queries, k, among)
        self._put(query)
        found = query.answer.result()
        return NearestRows(found.rows[:, :k], found.scores[:, :k])

    def _put(self, item: _Query | _Task) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="gpu-index", daemon=True)
                self._thread.start()
            self._waiting.append(item)
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                batch = self._take()
            self._do(batch)
            # Or the last batch would be held, with what it lay on, until the next one comes.
            del batch

    def _take(self) -> "list[_Query] | _Task":
        """The oldest, and of the queries behind it those that want to know the same index."""
        first = self._waiting.pop(0)
        if isinstance(first, _Task):
            return first
        batch, rows, others = [first], len(first.queries), []
        for item in self._waiting:
            if isinstance(item, _Query) and first.goes_with(item) and rows + len(item.queries) <= MOST:
                batch.append(item)
                rows += len(item.queries)
            else:
                others.append(item)
        self._waiting = others
        return batch

    @staticmethod
    def _do(batch: "list[_Query] | _Task") -> None:
        if isinstance(batch, _Task):
            try:
                batch.answer.set_result(batch.work())
            except Exception as error:
                batch.answer.set_exception(error)
            return
        for query, outcome in zip(batch, outcomes(_searched, batch), strict=True):
            if isinstance(outcome, Exception):
                query.answer.set_exception(outcome)
            else:
                query.answer.set_result(outcome)


def _searched(batch: Sequence[_Query]) -> list[NearestRows]:
    first = batch[0]
    together = np.concatenate([query.queries for query in batch])
    rows, scores = first.resident.search(together, max(query.k for query in batch), first.among)
    ends = np.cumsum([len(query.queries) for query in batch])[:-1]
    return [NearestRows(*part) for part in zip(np.split(rows, ends), np.split(scores, ends), strict=True)]
