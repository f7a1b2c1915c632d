"""An index before its first run: an empty `Library` to serve until the first generation is published."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.locking.opening import locked
from indexer.values import Facets, Filter, Hit, Ids, Month, Nearest, PartRows, Photo, Refused
from model.modality import Modality, Vectors

# No generation has this number: they begin with 1.
NONE = "000000"


@dataclass(frozen=True)
class NothingYet:
    """The facts of a generation without photos that was never published (see `indexer.values.Facts`)."""

    model: str
    fingerprint: str
    dimension: int
    generation: str = NONE
    created: str = ""
    store: str = "none"
    photos: int = 0
    revision: int = 0
    index_type: str = "auto"
    recall: float = 1.0
    bank: str = ""
    parts: str = ""
    part_photos: int = 0
    live: bool = False


class EmptyLibrary:
    """A library without photos: every search finds nothing (see `indexer.library.Library`)."""

    refused: tuple[Refused, ...] = ()
    identity = ""
    device = "cpu"
    touched = False

    def __init__(self, model: str, fingerprint: str, dimension: int) -> None:
        self.manifest = NothingYet(model, fingerprint, dimension)

    def __len__(self) -> int:
        return 0

    def nearest(
        self,
        query: Vectors,
        k: int,
        *,
        where: Filter | None = None,
        min_score: float | None = None,
        fold_duplicates: bool = False,
        kinds: Mapping[Modality, float] | None = None,
    ) -> Nearest:
        scores = np.empty(0, np.float32)
        return Nearest(np.empty(0, np.int64), scores, scores, self._no_vectors())

    def hits(
        self, ids: Ids, scores: NDArray[np.float32], *, folded: bool = False, where: Filter | None = None
    ) -> list[Hit]:
        return []

    def count(self, where: Filter | None = None) -> int:
        return 0

    def roots(self) -> list[Path]:
        return []

    def photo(self, public_id: str) -> Photo | None:
        return None

    def vector(self, public_id: str) -> Vectors | None:
        return None

    def vectors(self, ids: Ids) -> Vectors:
        return self._no_vectors()

    def parts(self, ids: Ids, head: str) -> PartRows | None:
        return None

    def duplicates(self, photo: Photo) -> list[Photo]:
        return []

    def timeline(self, where: Filter | None = None) -> list[Month]:
        return []

    def listing(
        self, where: Filter | None = None, *, month: str | None = None, offset: int = 0, k: int = 100
    ) -> list[Photo]:
        return []

    def facets(self, without: frozenset[str] = frozenset()) -> Facets:
        return Facets()

    def let_write(self) -> bool:
        return False

    def lost(self) -> str | None:
        return None

    def release(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _no_vectors(self) -> Vectors:
        return np.empty((0, self.manifest.dimension), np.float32)


def create(index: Path) -> None:
    """Create an index without photos, so that the folder is recognised as one; does nothing if it is one already."""
    if not (index / "LOCK").exists():
        with locked(index):
            pass
