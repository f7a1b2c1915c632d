"""The interface for building, extending, and opening stores. To add one, implement `Backend` and list it in STORES."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from indexer.stores import Ids, OnStep, Source, Store


@dataclass(frozen=True)
class Built:
    """The result of building: the kind of index, its search effort, and the recall@10 this reaches."""

    kind: str
    effort: int = 0
    recall: float = 1.0


@dataclass(frozen=True)
class Before:
    """The previous generation of the same store, whose files a new one may reuse.

    `check` raises BrokenGeneration unless a file, or a copy with the same name, is as it was published.
    """

    folder: Path
    built: Built
    files: frozenset[str]
    check: Callable[[Path], None]


class Backend(Protocol):
    """A kind of store. Each instance has one placement, and opens all its stores there.

    `types` are the index types users can choose, the default first; `kinds` are what `build` makes of them, recorded
    with the generation; `files` are in each of its folders. Types and kinds contain no colon.
    """

    types: tuple[str, ...]
    kinds: tuple[str, ...]
    files: frozenset[str]

    def kind(self, index_type: str, count: int) -> str:
        """What `build` makes of so many vectors."""
        ...

    def build(self, folder: Path, source: Source, index_type: str, on_step: OnStep | None = None) -> Built:
        """Write the files of a store to a folder, replacing existing ones.

        Raises IndexProblem if writing fails.
        """
        ...

    def extend(
        self, folder: Path, before: Before, source: Source, ids: Ids, unchanged: Ids, index_type: str
    ) -> Built | None:
        """Do the same for few changes by reusing files; None if building from scratch is better.

        `ids` are all ids to include, `unchanged` those with the same vector as in the previous generation.
        """
        ...

    def open(self, folder: Path, built: Built) -> Store:
        """Open the store in a folder; raises BrokenGeneration, with one line, if that fails."""
        ...

    def read_later(self, folder: Path) -> list[Path]:
        """The files that are not read into memory entirely on opening."""
        ...
