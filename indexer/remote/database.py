"""What a database server must do to hold libraries. To add one, implement `Database` and list it in SHELVES.

A server holds tables, one for each generation, a few pointers, which it changes atomically, and a few texts for each
generation. How generations are published, proven, and served is the same for all: see `shelf` and `library`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.conditions import Condition
from indexer.remote.diagnosis import Step
from indexer.stores import OnStep
from indexer.values import Ids, Traffic
from model.modality import Vectors

# Pointers: the generation to serve, and the one from which was rolled back.
CURRENT, HELD = "current", "held"
# The text of a generation that repeats its manifest.
MANIFEST = "manifest"


@dataclass(frozen=True)
class Layout:
    """The shape of a table. Of the vectors, the last `tail` columns are biases; the rows of a live one have stamps."""

    photos: int
    dimension: int
    tail: int = 0
    part_bytes: int = 0
    index_type: str = "auto"
    live: bool = False


@dataclass(frozen=True)
class Batch:
    """Rows to add: the columns of `rows.COLUMNS`, and the vectors."""

    columns: Mapping[str, Sequence[Any]]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Matches:
    """The nearest rows, best first, with the columns that every search needs."""

    ids: Ids
    scores: NDArray[np.float32]
    groups: Ids
    biases: Vectors


@dataclass(frozen=True)
class Built:
    """What the server made of a table: its kind of index, and whether a search compares every vector."""

    kind: str
    exact: bool


class Table(Protocol):
    """The rows of one generation. Thread-safe. All methods raise StoreUnavailable if the server does not answer."""

    # How many rows one answer may have.
    most: int

    def search(
        self, query: Vectors, k: int, where: Condition, effort: int, *, strong: bool = False
    ) -> Matches:
        """The rows that pass and are nearest by inner product; k rows, unless fewer pass."""
        ...

    def count(self, where: Condition, *, strong: bool = False) -> int:
        """How many rows pass; here as below, if `strong`, with all that was written until now."""
        ...

    def select(
        self, columns: Sequence[str], where: Condition, most: int, *, strong: bool = False
    ) -> Mapping[str, Any]:
        """At most so many of the rows that pass, in any order; `vector` is a column, too, and an array."""
        ...

    def ready(self) -> str | None:
        """Why it cannot be searched now; None if it can."""
        ...


class Writer(Protocol):
    """A new table, until it is published."""

    def add(self, batch: Batch) -> None: ...

    def finish(self, on_step: OnStep) -> Built:
        """Write everything durably, index it, and make it ready for searches."""
        ...


class Changer(Protocol):
    """Changes rows of a live table. Searches may find old and new rows until it is finished."""

    def put(self, batch: Batch) -> None:
        """Add these rows, in place of those with the same ids."""
        ...

    def delete(self, ids: Sequence[int]) -> None: ...

    def finish(self, on_step: OnStep) -> None:
        """Make the changes durable, and the table as quick to search as before."""
        ...


class Database(Protocol):
    """One library on a server."""

    # The name of this kind of server, as in `milvus:hnsw`; the index types that users may choose, the default first.
    kind: str
    index_types: tuple[str, ...]

    @property
    def traffic(self) -> Traffic: ...

    def version(self) -> str:
        """The server's version; asked for each time, so it also tells whether the server answers."""
        ...

    def generations(self) -> Mapping[str, str]:
        """The sealed manifests of all tables, also unfinished ones, by generation."""
        ...

    def manifest(self, generation: str) -> str | None:
        """The sealed manifest of one table; None if there is no such table."""
        ...

    def pointer(self, which: str) -> str | None:
        """The generation that it names; None if there is none. Must be cheap."""
        ...

    def point(self, which: str, generation: str | None) -> None:
        """Let a pointer name another generation, atomically, or none."""
        ...

    def create(self, generation: str, layout: Layout, manifest: str) -> Writer:
        """A new table; raises IndexBusy if another writer makes the same."""
        ...

    def kind_of(self, layout: Layout) -> str:
        """The kind of index that a new table gets."""
        ...

    def change(self, generation: str, layout: Layout) -> AbstractContextManager[Changer]:
        """Change the rows of a live table; all is there for others when the block ends, if not before."""
        ...

    def table(self, generation: str, layout: Layout, built: Built) -> Table: ...

    def load(self, generation: str) -> None:
        """Make a finished table ready for searches, if it is not."""
        ...

    def unload(self, generation: str) -> None:
        """Free the memory of a table that nobody searches any more."""
        ...

    def drop(self, generation: str) -> None:
        """Remove a table and its texts, or what there is of them; refused if a pointer names it."""
        ...

    def write_texts(self, generation: str, texts: Iterable[tuple[str, str]]) -> None:
        """Store the texts of a generation in place of those before, all or nothing. One with texts is finished."""
        ...

    def read_text(self, generation: str, key: str) -> str | None:
        """One of the texts. Must be cheap: it is called every few seconds."""
        ...

    def read_texts(self, generation: str) -> Mapping[str, str]:
        """The texts of a generation; empty if it is unfinished."""
        ...

    def writing(self, owner: str) -> AbstractContextManager[None]:
        """Be the only writer of this library; raises IndexBusy if there is another."""
        ...

    def steps(self) -> Iterator[Step]:
        """The way from the address to the library, step by step, up to the first that fails."""
        ...

    def close(self) -> None: ...
