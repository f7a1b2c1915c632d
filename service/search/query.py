"""What a search asks: pictures, words and a known photo, each with a weight, and which photos may answer."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.library import Filter


class Kind(StrEnum):
    """What a part of a query is. The first two are pictures."""

    SKETCH = "sketch"
    PHOTO = "photo"
    TEXT = "text"
    LIKE = "like"


PICTURES = (Kind.SKETCH, Kind.PHOTO)


@dataclass(frozen=True)
class Part:
    """One thing that is looked for: a picture or its file, words, or an id."""

    kind: Kind
    value: bytes | Path | str
    weight: float


@dataclass(frozen=True)
class Query:
    parts: tuple[Part, ...]
    k: int = 20
    offset: int = 0
    min_score: float | None = None
    fold_duplicates: bool = False
    where: "Filter | None" = None
    # None for the one that the service or the model prefers.
    rerank: str | None = None

    @property
    def has_pictures(self) -> bool:
        return any(part.kind in PICTURES for part in self.parts)

    def filtered(self, **rules: str) -> "Query":
        """The same query of fewer photos: those that also pass these rules of a Filter."""
        # Imported only now: who asks a service needs no index, and no numpy.
        from indexer.library import Filter

        return replace(self, where=replace(self.where or Filter(), **rules))
