"""Local parts of pictures for re-rankers that compare them: kept while the pictures are encoded, in a folder.

A ranker sees rows of an array, so the last number of each row says which picture it belongs to (`numbered`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.data.datasets import Record
from model.encoder import Encoded, Encoder
from model.evaluation.embedding import Embedded
from model.local.coding import Rows
from model.local.local import Local
from model.local.parts import Parts, centres
from model.modality import Pixels, Vectors

Numbers = NDArray[np.int64]

# Of a picture whose cells are not numbers.
_NONE = -1


class KeptParts:
    """An `Encodes` whose embeddings are unstripped, and end with the number of the parts that it keeps of them.

    `taken` takes these numbers off again. Then `drawing` and `rows` know pictures by their numbers in `numbered`.
    """

    def __init__(self, encoder: Encoder, local: Local, folder: Path) -> None:
        """`folder` is a temporary one: all of a drawing's numbers take 13 KB, those of a photo 1 KB."""
        self._encoder, self._local = encoder, local
        self._photos = _Table(folder / "photos", np.dtype(np.uint8))
        self._drawings = _Table(folder / "drawings", np.dtype(np.float32))
        self._numbers: Numbers = np.empty(0, dtype=np.int64)

    def sketches(self, images: Sequence[Image.Image]) -> Vectors:
        return self._kept(images, self._encoder.prepare_sketch, self._add_drawings)

    def photos(self, images: Sequence[Image.Image]) -> Vectors:
        return self._kept(images, self._encoder.prepare_photo, self._add_photos)

    def texts(self, texts: Sequence[str]) -> Vectors:
        return with_numbers(self._encoder.unstripped.texts(texts), np.full(len(texts), _NONE))

    def taken(self, embedded: Embedded) -> Embedded:
        """The same without the numbers."""
        others = embedded.distractors
        vectors = [embedded.vectors, *([] if others is None else [others.vectors])]
        self._numbers = np.concatenate([each[:, -1] for each in vectors]).astype(np.int64)
        return replace(
            embedded,
            vectors=embedded.vectors[:, :-1],
            texts={label: vector[:-1] for label, vector in embedded.texts.items()},
            distractors=None if others is None else replace(others, vectors=others.vectors[:, :-1]),
        )

    def drawing(self, number: int) -> Parts | None:
        """The parts of this drawing, on the grid of rows; None if it has none."""
        kept = self._numbers[number]
        if kept == _NONE:
            return None
        (values,) = self._drawings.read(np.array([kept]))
        tokens, weights = values[:, :-1], values[:, -1]
        side = round(len(values) ** 0.5)
        return Parts(tokens, centres(side), weights, side)

    def rows(self, numbers: Numbers) -> tuple[Rows, NDArray[np.bool_]]:
        """The rows of these photos, and which of them mean something."""
        kept = self._numbers[numbers]
        return self._photos.read(np.maximum(kept, 0)), kept != _NONE

    def _kept(
        self,
        images: Sequence[Image.Image],
        prepare: Callable[[Image.Image], Pixels],
        add: Callable[[Encoded, Sequence[Pixels]], Numbers],
    ) -> Vectors:
        found = []
        for start in range(0, len(images), self._encoder.batch):
            prepared = [prepare(image) for image in images[start : start + self._encoder.batch]]
            encoded = self._encoder.unstripped.encode(prepared)
            found.append(with_numbers(encoded.vectors, add(encoded, prepared)))
        return np.concatenate(found)

    def _add_photos(self, encoded: Encoded, prepared: Sequence[Pixels]) -> Numbers:
        assert encoded.cells is not None, "encoder.local is None where there are none"
        return _where_finite(encoded.cells, self._photos.add(self._local.pack(np.nan_to_num(encoded.cells))))

    def _add_drawings(self, encoded: Encoded, prepared: Sequence[Pixels]) -> Numbers:
        assert encoded.cells is not None, "encoder.local is None where there are none"
        drawn = [
            self._local.coarse_sketch(cells, pixels)
            for cells, pixels in zip(np.nan_to_num(encoded.cells), prepared, strict=True)
        ]
        values = [np.column_stack([each.tokens, each.weights]) for each in drawn]
        return _where_finite(encoded.cells, self._drawings.add(np.stack(values)))


def with_numbers(vectors: Vectors, numbers: NDArray[np.integer]) -> Vectors:
    found: Vectors = np.concatenate([vectors, numbers[:, None]], axis=1, dtype=np.float32)
    return found


def numbered(embedded: Embedded) -> tuple[Embedded, tuple[Record, ...]]:
    """The same with the number of its picture after each vector, 0 after words; and the pictures, by number."""
    others = embedded.distractors
    records = (*embedded.data.records, *(others.data.records if others is not None else ()))
    if others is not None:
        numbers = np.arange(len(embedded.data), len(records))
        others = replace(others, vectors=with_numbers(others.vectors, numbers))
    vectors = with_numbers(embedded.vectors, np.arange(len(embedded.data)))
    texts = {label: np.append(vector, np.float32(0)) for label, vector in embedded.texts.items()}
    return replace(embedded, vectors=vectors, texts=texts, distractors=others), records


def _where_finite(cells: NDArray[np.float32], numbers: Numbers) -> Numbers:
    return np.where(np.isfinite(cells).all(axis=(1, 2, 3)), numbers, _NONE)


class _Table:
    """Arrays of one shape in a file, one after the other."""

    def __init__(self, path: Path, dtype: np.dtype[np.generic]) -> None:
        self._path, self._dtype = path, dtype
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def add(self, values: NDArray[np.generic]) -> Numbers:
        """Append these; returns where they are."""
        first = self._count
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(values, dtype=self._dtype).data)
        self._shape = values.shape[1:]
        self._count += len(values)
        return np.arange(first, self._count)

    def read(self, places: Numbers) -> NDArray[Any]:
        mapped = np.memmap(self._path, self._dtype, "r", shape=(self._count, *self._shape))
        return np.asarray(mapped[places])
