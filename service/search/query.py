"""The query of a search: pictures, words and a known photo, each with a weight, and filters."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.values import Filter
    from model.pictures.strokes import Stroke


class Kind(StrEnum):
    """The kind of a query's part. The first two are pictures."""

    SKETCH = "sketch"
    PHOTO = "photo"
    TEXT = "text"
    LIKE = "like"


PICTURES = (Kind.SKETCH, Kind.PHOTO)


@dataclass(frozen=True)
class Part:
    """One thing to search for: a picture, its file or strokes, words, or an id."""

    kind: Kind
    value: "bytes | Path | tuple[Stroke, ...] | str"
    weight: float


@dataclass(frozen=True)
class Query:
    parts: tuple[Part, ...]
    k: int = 20
    offset: int = 0
    min_score: float | None = None
    fold_duplicates: bool = False
    where: "Filter | None" = None
    favourites: bool = False
    # None for the default of the service or the model.
    rank: str | None = None

    @property
    def has_pictures(self) -> bool:
        return any(part.kind in PICTURES for part in self.parts)

    def filtered(self, **rules: Any) -> "Query":
        """Add these conditions of a Filter to the query."""
        # Imported only now: a client of a service needs neither the index nor numpy.
        from indexer.values import Filter

        return replace(self, where=replace(self.where or Filter(), **rules))
