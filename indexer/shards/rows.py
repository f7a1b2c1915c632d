"""What one run writes: vectors, and beside them the local parts of the same photos, if the model has a local head."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import Catalogue
from indexer.shards.shard import Origin, Rows, Series, ShardWriter
from model import Encoder
from model.encoder import Encoded


@dataclass(frozen=True)
class Packed:
    """Rows of local parts; those that the model failed to make are not `good`."""

    rows: Rows
    good: NDArray[np.bool_]

    def among(self, which: Sequence[bool]) -> "Packed":
        chosen = np.array(which, dtype=bool)
        return Packed(self.rows[chosen], self.good[chosen])


def packed(encoder: Encoder, encoded: Encoded) -> Packed | None:
    """The local parts of encoded photos as rows; None without a local head."""
    if encoder.local is None or encoded.cells is None:
        return None
    good = np.asarray(np.isfinite(encoded.cells).all(axis=(1, 2, 3)), dtype=bool)
    return Packed(encoder.local.pack(np.where(good[:, None, None, None], encoded.cells, 1.0)), good)


@dataclass(frozen=True)
class RowWriters:
    """New shards of one run, empty ones of which disappear at its end."""

    vectors: ShardWriter
    parts: ShardWriter | None = None
    digest: str = ""

    def add_parts(self, catalogue: Catalogue, contents: Sequence[str], made: Packed) -> None:
        """Write what was made of these contents, and where it is into the catalogue."""
        if self.parts is not None:
            names = list(compress(contents, made.good.tolist()))
            places = self.parts.append(names, made.rows[made.good])
            catalogue.place_vectors(self.digest, places)

    def sync(self) -> None:
        """Flush to disk, before the catalogue commits."""
        self.vectors.sync()
        if self.parts is not None:
            self.parts.sync()


@contextmanager
def row_writers(index: Path, origin: Origin, catalogue: Catalogue) -> Iterator[RowWriters]:
    parts = origin.parts_in(index)
    with ExitStack() as stack:

        def writer(series: Series) -> ShardWriter:
            return stack.enter_context(series.writer(above=max(catalogue.shards(series.key), default=0)))

        yield RowWriters(
            writer(origin.vectors_in(index)), None if parts is None else writer(parts), origin.parts
        )
