"""Embeddings of pictures for benchmarks that rank the same ones again and again: kept in a file, if one is named.

A file belongs to one model. Pictures are known by their paths, so delete it when you change them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model import Encoder
from model.data.datasets import Record
from model.evaluation.embedding import pictures
from model.modality import Modality

Vectors = NDArray[np.float32]
Found = tuple[tuple[Record, ...], Vectors]

# Pictures between two savings of the file: half a minute of work.
_AT_ONCE = 2048


class Embeddings:
    def __init__(self, encoder: Encoder, file: Path | None = None) -> None:
        self._encoder, self._file = encoder, file
        self._known: dict[str, Vectors] = {}
        if file is not None and file.is_file():
            with np.load(file) as kept:
                if str(kept["fingerprint"]) != encoder.fingerprint:
                    sys.exit(
                        f"{file}: embeddings of another model than {encoder.card.name}; name another file"
                    )
                self._known = dict(zip(map(str, kept["names"]), kept["vectors"], strict=True))

    def raw(self, records: Sequence[Record]) -> Found:
        """The pictures that can be read, and their embeddings before stripping."""
        missing = [record for record in records if _name(record) not in self._known]
        for start in range(0, len(missing), _AT_ONCE):
            self._encode(missing[start : start + _AT_ONCE])
            print(f"encoded {min(start + _AT_ONCE, len(missing))} of {len(missing)}", file=sys.stderr)
        kept = tuple(record for record in records if _name(record) in self._known)
        if not kept:
            sys.exit(f"none of these {len(records)} pictures can be read")
        return kept, np.stack([self._known[_name(record)] for record in kept])

    def semantic(self, records: Sequence[Record]) -> Found:
        """The same after stripping, as a search compares them."""
        kept, vectors = self.raw(records)
        kinds = np.array([record.modality for record in kept])
        for kind in np.unique(kinds):
            vectors[kinds == kind] = self._encoder.strip(vectors[kinds == kind], Modality(kind))
        return kept, vectors

    def _encode(self, records: Sequence[Record]) -> None:
        found, damaged = pictures(self._encoder.unstripped, records)
        self._known |= {_name(records[place]): vector for place, vector in found.items()}
        for line in damaged:
            print(f"left out: {line}", file=sys.stderr)
        if self._file is not None:
            names, vectors = np.array([*self._known]), np.array([*self._known.values()], dtype=np.float32)
            # Under a name of its own first: a run that is interrupted leaves the old file.
            begun = self._file.with_suffix(".part.npz")
            np.savez(begun, names=names, vectors=vectors, fingerprint=np.array(self._encoder.fingerprint))
            begun.replace(self._file)


def _name(record: Record) -> str:
    return f"{record.modality} {record.path.resolve()}"
