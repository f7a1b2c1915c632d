"""What a store has to offer to be built, extended and opened. To add one: implement `Backend`, name it in STORES."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from indexer.stores import Ids, OnStep, Source, Store


@dataclass(frozen=True)
class Built:
    """What became of it: the kind of index, how hard it has to search, and the recall@10 that this reaches."""

    kind: str
    effort: int = 0
    recall: float = 1.0


@dataclass(frozen=True)
class Before:
    """The generation before, of the same store, whose files a new one may take over.

    `check` raises BrokenGeneration unless a file, or a copy of it under the same name, is as it was published.
    """

    folder: Path
    built: Built
    files: frozenset[str]
    check: Callable[[Path], None]


class Backend(Protocol):
    """One store. An instance belongs to one placement, and opens all of its stores there.

    `types` are the index types that people may ask for, the default first; `kinds` what `build` makes of them, which
    is kept with the generation; `files` what each of its folders holds. Both strings hold no colon.
    """

    types: tuple[str, ...]
    kinds: tuple[str, ...]
    files: frozenset[str]

    def build(self, folder: Path, source: Source, index_type: str, on_step: OnStep | None = None) -> Built:
        """Writes the files of a store into a folder, over whatever of them is there.

        Raises IndexProblem where the disk refuses.
        """
        ...

    def extend(
        self, folder: Path, before: Before, source: Source, ids: Ids, unchanged: Ids, index_type: str
    ) -> Built | None:
        """The same for few changes, by taking over files; None where building anew is better.

        `ids` are all that shall be found, `unchanged` those whose vector is the one of the generation before.
        """
        ...

    def open(self, folder: Path, built: Built) -> Store:
        """Opens what lies in a folder; raises BrokenGeneration, in one line, where that cannot be."""
        ...

    def read_later(self, folder: Path) -> list[Path]:
        """The files that are not read into memory whole when they are opened."""
        ...
