"""Where vectors are searched. A store is an immutable file once it is built: ids in, nearest ids out."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

Ids = NDArray[np.int64]


class Nearest(NamedTuple):
    """For each query a row of ids, best first, and their scores; -1 pads a row that has fewer."""

    ids: Ids
    scores: Vectors


class Store(Protocol):
    """An open index; safe to search from several threads."""

    kind: str

    def __len__(self) -> int: ...

    def search(self, queries: Vectors, k: int) -> Nearest:
        """The k nearest by inner product, which is the cosine, for all vectors are units."""
        ...

    def sample(self) -> tuple[int, Vectors] | None:
        """Any one stored id and its vector, to ask the index whether it finds it; None when it is empty."""
        ...


class Builder(Protocol):
    """Makes the file of a store."""

    def __call__(self, path: Path, dimension: int, batches: Iterable[tuple[Ids, Vectors]]) -> str:
        """Writes the file and returns the kind of index that it became."""
        ...
