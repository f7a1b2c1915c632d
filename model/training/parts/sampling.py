"""Choose what a step shows: drawings next to their own photos, drawings made of photos, and drawings of a class.

Batch number n depends only on the pictures, the options, and n, so that a killed run goes on as it would have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.training.parts.options import Options
from model.training.parts.showing import Kind, Picture
from model.training.views import own_photos

Rows = NDArray[np.int64]
# Drawings without a photo of their own say little that others do not: more would only take room.
_LOOSE = 3000
# Of the drawings made of photos, so many of each label of the half that shows few labels.
_TOGETHER = 4
_TABLES = ("photos", "pseudo", "sketches", "loose")


@dataclass(frozen=True)
class Material:
    """The records that training shows: all photos, drawings with the row of their own photo, and other drawings."""

    photos: tuple[Record, ...]
    sketches: tuple[Record, ...]
    own: Rows
    loose: tuple[Record, ...]

    @classmethod
    def of(cls, data: Dataset, seed: int) -> "Material":
        photos, drawn = data.of(PHOTO), data.of(SKETCH)
        if not photos or not drawn:
            raise DataProblem(f"{data.name}: training needs photos and drawings; it has only one of the two")
        own = own_photos((*photos, *drawn))[len(photos) :]
        lone = np.flatnonzero(own < 0)
        chosen = np.random.default_rng([seed, 1]).permutation(lone)[:_LOOSE]
        paired = np.flatnonzero(own >= 0)
        return cls(
            photos, tuple(drawn[row] for row in paired), own[paired], tuple(drawn[row] for row in chosen)
        )

    def pictures(self, seed: int) -> dict[str, list[Picture]]:
        """The pictures by the name of their table. The second half of a table that has one shows the first mirrored."""
        both = (False, True)
        return {
            "photos": [Picture(each, Kind.PHOTO, turned, seed) for turned in both for each in self.photos],
            "pseudo": [Picture(each, Kind.PSEUDO, turned, seed) for turned in both for each in self.photos],
            "sketches": [
                Picture(each, Kind.SKETCH, turned, seed) for turned in both for each in self.sketches
            ],
            "loose": [Picture(each, Kind.SKETCH, False, seed) for each in self.loose],
        }


@dataclass(frozen=True)
class Batch:
    """The rows of drawings in each table and, in the same order, those of the photos next to them."""

    sketches: Rows
    pseudo: Rows
    loose: Rows
    photos: Rows
    # The label of each pair, in that order.
    labels: Rows

    @property
    def paired(self) -> int:
        """How many of the drawings are next to their very own photo; the others only have one of their class."""
        return len(self.sketches) + len(self.pseudo)


class Needed:
    """Batches of a run of so many steps whose rows count only those pictures that one of the steps shows."""

    def __init__(self, sampler: Callable[[int], Batch], steps: int) -> None:
        self._sampler = sampler
        batches = [sampler(step) for step in range(steps)]
        # Of each table, in the order that it has.
        self.rows: Mapping[str, Rows] = {
            name: np.unique(np.concatenate([getattr(batch, name) for batch in batches])) for name in _TABLES
        }

    def __call__(self, step: int) -> Batch:
        batch = self._sampler(step)
        rows = {name: np.searchsorted(self.rows[name], getattr(batch, name)) for name in _TABLES}
        return replace(batch, **rows)


class Sampler:
    """`sampler(step)` gives the batch of a step."""

    def __init__(self, material: Material, options: Options) -> None:
        self._options, self._count, self._drawn = options, len(material.photos), len(material.sketches)
        self._own = material.own
        names = {label: number for number, label in enumerate(sorted({r.label for r in _all(material)}))}
        self._labels, drawn, loose = (
            np.array([names[record.label] for record in records], dtype=np.int64)
            for records in (material.photos, material.sketches, material.loose)
        )
        self._photos, self._loose = _rows(self._labels), _rows(loose)
        # Of each photo its drawings, for labels where there is another photo to tell it from.
        own = {label: _rows(material.own[rows], rows) for label, rows in _rows(drawn).items()}
        self._of_own = {label: photos for label, photos in own.items() if len(photos) > 1}
        if not (self._of_own and options.labels) and not options.pseudo:
            raise DataProblem(
                "no drawing has its own photo: give a manifest with `pair_id`, or let `pseudo` be more than 0"
            )
        sizes = np.array([len(photos) for photos in self._of_own.values()], dtype=np.float64)
        # Each photo that was drawn is as likely as any other, whatever its label.
        self._chances = sizes / max(sizes.sum(), 1)
        self._both = [label for label in self._loose if label in self._photos]

    def __call__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._options.seed, 2, step])
        sketches, own = self._drawings(rng)
        pseudo = self._pseudo(rng)
        loose, like = self._others(rng)
        labels = self._labels[np.concatenate([own % self._count, pseudo % self._count, like])]
        return Batch(sketches, pseudo, loose, np.concatenate([own, pseudo, like]), labels)

    def _drawings(self, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Drawings of a few labels, and their own photos."""
        if not self._of_own:
            return _none(), _none()
        chosen: list[int] = []
        for label in rng.choice([*self._of_own], self._options.labels, p=self._chances).tolist():
            photos = self._of_own[label]
            few = rng.choice([*photos], min(self._options.per_label, len(photos)), replace=False)
            chosen += [int(rng.choice(photos[photo])) for photo in few.tolist()]
        rows = np.array(chosen, dtype=np.int64)
        mirrored = rng.integers(0, 2, len(rows))
        return rows + mirrored * self._drawn, self._own[rows] + mirrored * self._count

    def _pseudo(self, rng: np.random.Generator) -> Rows:
        """Half of them of few labels, to tell things of a kind apart; half of any."""
        half = self._options.pseudo // 2
        chosen = [rng.choice(self._count, min(self._options.pseudo - half, self._count), replace=False)]
        for label in rng.choice([*self._photos], half // _TOGETHER).tolist():
            alike = self._photos[label]
            chosen.append(rng.choice(alike, min(_TOGETHER, len(alike)), replace=False))
        found = np.concatenate(chosen)
        rows: Rows = found + rng.integers(0, 2, len(found)) * self._count
        return rows

    def _others(self, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Drawings without a photo of their own, and one of their class for each."""
        labels = rng.permutation(self._both)[: self._options.loose].tolist()
        loose = [int(rng.choice(self._loose[label])) for label in labels]
        like = [int(rng.choice(self._photos[label])) for label in labels]
        return np.array(loose, dtype=np.int64), np.array(like, dtype=np.int64)


def _all(material: Material) -> Sequence[Record]:
    return (*material.photos, *material.sketches, *material.loose)


def _rows(values: Rows, rows: Rows | None = None) -> Mapping[int, Rows]:
    """The rows of each value."""
    rows = np.arange(len(values)) if rows is None else rows
    return {int(value): rows[values == value] for value in np.unique(values)}


def _none() -> Rows:
    return np.empty(0, dtype=np.int64)
