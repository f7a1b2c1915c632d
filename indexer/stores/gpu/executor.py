"""The single thread that searches a GPU's indexes. FAISS allows no more, and queries that arrive while it works become
one batch, which takes a GPU hardly longer than one query."""

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
# Most queries in a batch: beyond this they only wait for each other.
MOST = 256


class NearestRows(NamedTuple):
    """For each query its row numbers, best first, with their scores."""

    rows: Ids
    scores: Vectors


class Resident(Protocol):
    """An index on a GPU; used by one thread only."""

    # For display.
    name: str
    # Whether a search supports `among`; if not, it must be None.
    supports_filters: bool
    # Most results per query.
    most: int

    def search(self, queries: Vectors, k: int, among: Rows | None) -> NearestRows: ...

    def close(self) -> None:
        """Free its GPU memory."""
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
    """Runs work in one thread, which starts with the first task and ends with the process."""

    def __init__(self) -> None:
        self._waiting: list[_Query | _Task] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the GPU thread and return its result."""
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
            # Otherwise the batch would keep its GPU memory alive until the next one arrives.
            del batch

    def _take(self) -> "list[_Query] | _Task":
        """The oldest task, or the oldest query together with later ones for the same index."""
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
