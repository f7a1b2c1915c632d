"""Ranking pair by pair: every drawing is compared with every photo by a model that scores pairs, not by vectors.

The inner product of vectors is what ZSE-SBIR calls Ret, the pair scores what it calls RN. Each photo is read once,
whatever the number of its pairs; what was read of it, and the scores, lie in a temporary folder rather than in memory.

A ranker sees rows of an array, but a pair score needs the pictures. So vectors are `numbered` (see local_parts.py).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, Record
from model.data.loading import load_image
from model.encoder import Encoder
from model.evaluation.explained import Explain, cells_of, explained_by
from model.evaluation.ranking import Ranking, Shares, Vectors
from model.evaluation.tasks import TASKS, CannotAsk, Questions
from model.local.coding import Rows
from model.local.local import Local
from model.local.parts import Parts
from model.modality import Modality, Pixels

Floats = NDArray[np.float32]

# Only drawings and photos can be a pair.
PAIRED = ("zero-shot", "generalised", "fine-grained")
# Photos that are read, and compared with a drawing, at once; drawings that wait for the same photos.
PHOTOS, SKETCHES = 64, 32


@dataclass(frozen=True)
class PairScores:
    """How a model compares a drawing with photos; all pictures are prepared pixels (size, size, 3).

    `sketch` reads a drawing, `photos` many photos as an array with a row for each, and `scores` compares what was read.
    Only their order counts: logits rather than probabilities, which tie where they round to 1.
    """

    sketch: Callable[[Pixels], Any]
    photos: Callable[[Pixels], NDArray[Any]]
    scores: Callable[[Any, NDArray[Any]], Floats]
    explain: Explain | None = None


def of_local(encoder: Encoder, local: Local) -> PairScores:
    """The scores of local parts, as a second stage computes them from the rows of an index."""

    def sketch(pixels: Pixels) -> Parts:
        return local.coarse_sketch(cells_of(encoder, pixels[None])[0], pixels)

    def photos(pixels: Pixels) -> Rows:
        return local.pack(cells_of(encoder, pixels))

    return PairScores(sketch, photos, local.scores, explained_by(encoder, local))


def prepared(encoder: Encoder, record: Record) -> Pixels:
    """A picture of a dataset as the image tower takes it."""
    image = load_image(record)
    return encoder.prepare_photo(image) if record.modality == PHOTO else encoder.prepare_sketch(image)


class PairRanker:
    """A `Ranker` of numbered vectors. With `depth`, only so many of the nearest photos are compared and reordered.

    `folder` is a temporary one; `progress` is called with the number of pairs scored since its last call.
    """

    def __init__(
        self,
        scores: PairScores,
        records: Sequence[Record],
        prepare: Callable[[Record], Pixels],
        folder: Path,
        *,
        depth: int | None = None,
        progress: Callable[[int], None] = lambda pairs: None,
    ) -> None:
        self._scores, self._records, self._prepare = scores, records, prepare
        self._folder, self._depth, self._progress = folder, depth, progress
        shown = np.array([record.modality == PHOTO for record in records])
        # Sketches and photos are counted apart.
        self._place = np.where(shown, np.cumsum(shown), np.cumsum(~shown)) - 1
        self._read = np.zeros(int(shown.sum()), dtype=np.bool_)
        self._rows: NDArray[Any] | None = None
        self._known: Floats | None = None

    def __call__(self, gallery: Vectors, made_of: Shares, /) -> Callable[[Vectors], Ranking]:
        if {kind for kind, share in made_of.items() if share} != {Modality.SKETCH}:
            raise CannotAsk("only a drawing and a photo are a pair")
        photos = gallery[:, -1].astype(np.int64)
        if self._depth is None:
            return lambda queries: Ranking(self._all(queries[:, -1].astype(np.int64), photos))
        near = np.ascontiguousarray(gallery[:, :-1], dtype=np.float32).T
        return lambda queries: self._nearest(queries, near, photos)

    def _all(self, asked: NDArray[np.int64], photos: NDArray[np.int64]) -> Floats:
        known = self._table()
        drawn, shown = self._place[asked], self._place[photos]
        for start in range(0, len(asked), SKETCHES):
            block = slice(start, start + SKETCHES)
            self._fill(known, asked[block], photos)
        found: Floats = np.stack([known[row][shown] for row in drawn])
        return found

    def _fill(self, known: Floats, asked: NDArray[np.int64], photos: NDArray[np.int64]) -> None:
        drawn: dict[int, Any] = {}
        for start in range(0, len(photos), PHOTOS):
            part = photos[start : start + PHOTOS]
            places = self._place[part]
            # A score that happens to be zero is computed again, which changes nothing.
            unknown = known[np.ix_(self._place[asked], places)] == 0
            if not unknown.any():
                continue
            rows = self._photos(part)
            for number, which in zip(asked, unknown, strict=True):
                if which.any():
                    if number not in drawn:
                        drawn[number] = self._sketch(number)
                    found = self._scores.scores(drawn[number], rows[which])
                    known[self._place[number], places[which]] = found
                    self._progress(len(found))

    def _nearest(self, queries: Vectors, near: Floats, photos: NDArray[np.int64]) -> Ranking:
        first = np.asarray(queries[:, :-1], dtype=np.float32) @ near
        depth = min(self._depth or 0, len(photos))
        head = np.empty((len(queries), depth), dtype=np.int64)
        for row, number in enumerate(queries[:, -1].astype(np.int64)):
            best = np.argsort(-first[row], kind="stable")[:depth]
            read = self._sketch(number)
            parts = [photos[best[at : at + PHOTOS]] for at in range(0, depth, PHOTOS)]
            found = np.concatenate([self._scores.scores(read, self._photos(part)) for part in parts])
            head[row] = best[np.argsort(-found, kind="stable")]
            self._progress(depth)
        return Ranking(first, head)

    def _sketch(self, number: int) -> Any:
        return self._scores.sketch(self._prepare(self._records[number]))

    def _photos(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """What was read of these photos; read now if it was not."""
        places = self._place[numbers]
        fresh = numbers[~self._read[places]]
        if len(fresh):
            with ThreadPoolExecutor() as pool:
                pixels = np.stack([*pool.map(self._prepare, [self._records[number] for number in fresh])])
            rows = self._scores.photos(pixels)
            if self._rows is None:
                self._rows = np.memmap(
                    self._folder / "photos", rows.dtype, "w+", shape=(len(self._read), *rows.shape[1:])
                )
            self._rows[self._place[fresh]] = rows
            self._read[self._place[fresh]] = True
        assert self._rows is not None
        return np.asarray(self._rows[places])

    def _table(self) -> Floats:
        """The scores of all pairs, zero where they are not known: a sparse file."""
        if self._known is None:
            shape = (max(1, len(self._records) - len(self._read)), len(self._read))
            self._known = np.memmap(self._folder / "scores", np.float32, "w+", shape=shape)
        return self._known


def pairs_in(questions: Questions, tasks: Sequence[str], most: int, depth: int | None) -> int:
    """How many pairs these tasks compare, with at most so many other photos in their galleries."""
    sizes = []
    for task in tasks:
        try:
            question = TASKS[task](questions)
        except CannotAsk:
            continue
        sizes.append((len(question.queries), len(question.gallery) + most))
    if depth is None:
        # Scores are kept: the pairs of smaller galleries are among those of the largest.
        return max((queries * gallery for queries, gallery in sizes), default=0)
    return sum(queries * min(depth, gallery) for queries, gallery in sizes)
