"""Batches of sketches with photos: a sketch, its own photo, one of its label, and one of another label."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, DataProblem, Record
from model.training.sampling import Rows


class Part(StrEnum):
    """What stands beside a sketch."""

    SKETCH = "sketch"
    # The photo that it was drawn from; without one, SAME.
    OWN = "own photo"
    # A photo of its label, another than its own where there are several.
    SAME = "photo of its label"
    OTHER = "photo of another label"


class Quads:
    """A step's rows are all of the first part, all of the second, and so on: `batch` in all, or somewhat fewer.

    Labels are drawn evenly, however many pictures they have. `paired` leaves out sketches without a photo of their own.
    """

    def __init__(
        self,
        records: Sequence[Record],
        own: NDArray[np.int64],
        batch: int,
        seed: int,
        parts: Sequence[Part] = tuple(Part),
        *,
        paired: bool = False,
    ) -> None:
        self._own, self._seed, self._parts = own, seed, tuple(parts)
        self._count = max(1, batch // len(self._parts))
        drawn: dict[str, list[int]] = {}
        self._photos: dict[str, list[int]] = {}
        for row, record in enumerate(records):
            if record.modality == PHOTO:
                self._photos.setdefault(record.label, []).append(row)
            elif own[row] >= 0 or not paired:
                drawn.setdefault(record.label, []).append(row)
        self._drawn = {label: drawn[label] for label in sorted(drawn) if label in self._photos}
        self._labels, self._shown = sorted(self._drawn), sorted(self._photos)
        if not self._labels or (Part.OTHER in self._parts and len(self._shown) < 2):
            raise DataProblem("no sketch has the photos that this method compares it with")

    def __call__(self, step: int) -> Rows:
        chance = np.random.default_rng([self._seed, 17, step])
        draws = [self._draw(chance) for _ in range(self._count)]
        return Rows([draw[part] for part in self._parts for draw in draws], [])

    def _draw(self, chance: np.random.Generator) -> dict[Part, int]:
        label = self._labels[int(chance.integers(len(self._labels)))]
        sketch = int(chance.choice(self._drawn[label]))
        own, photos = int(self._own[sketch]), self._photos[label]
        same = int(chance.choice([row for row in photos if row != own] or photos))
        found = {Part.SKETCH: sketch, Part.OWN: own if own >= 0 else same, Part.SAME: same}
        if Part.OTHER in self._parts:
            # One place further than its own label, or more, round the list.
            further = 1 + int(chance.integers(len(self._shown) - 1))
            other = self._shown[(self._shown.index(label) + further) % len(self._shown)]
            found[Part.OTHER] = int(chance.choice(self._photos[other]))
        return found
