"""Explain a score: which parts of a drawing match which parts of a photo, and how much each adds.

Dozens of cells say little to a person, so neighbouring cells whose matches lie together become one part. Nothing is
lost by that: what the cells of a part add to the score is what the part adds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.local.groups import groups
from model.local.local import Local
from model.local.matching import Matches
from model.local.parts import Cells, Floats, Parts
from model.modality import Pixels
from model.pictures.areas import WHOLE, Box

MOST_PARTS = 8
# What lies beyond, by weight, is left out of a part's box in the photo: one stray match would make that useless.
_STRAY = 0.1
_COLUMNS, _ROWS = ("left", "", "right"), ("top", "", "bottom")
PLACES = tuple(" ".join(filter(None, (row, column))) or "middle" for row in _ROWS for column in _COLUMNS)


@dataclass(frozen=True)
class Seen:
    """A picture as the model saw it: its cells, the area that they cover and, of a drawing, the pixels."""

    cells: Cells
    area: Box = WHOLE
    pixels: Pixels | None = None


@dataclass(frozen=True)
class Part:
    """A part of the drawing and what it matches, as shares of the two pictures' widths and heights."""

    sketch: Box
    photo: Box
    # The mean of how alike its cells are to theirs, from -1 to 1.
    strength: float
    # What it adds to the score.
    contribution: float
    # Where in the drawing's ink, and where in the photo: one of PLACES.
    sketch_place: str
    photo_place: str

    @property
    def text(self) -> str:
        return f"{self.sketch_place} of the drawing -> {self.photo_place} of the photo"


@dataclass(frozen=True)
class Patch:
    """One cell of the drawing and its match. Boxes may extend beyond the pictures, as cells do."""

    sketch: Box
    photo: Box
    strength: float
    contribution: float
    # Which of the parts it belongs to.
    part: int


@dataclass(frozen=True)
class Explanation:
    """A score and what it consists of; both the parts and the patches add up to it."""

    score: float
    # What adds most comes first.
    parts: tuple[Part, ...]
    patches: tuple[Patch, ...]
    # What each cell adds (side, side), row by row, and the areas of the pictures that the cells cover.
    sketch_attention: Floats
    photo_attention: Floats
    sketch_area: Box
    photo_area: Box


def explain(local: Local, sketch: Seen, photo: Seen) -> Explanation:
    """Compare a drawing with a photo and say what the score is made of."""
    assert sketch.pixels is not None
    drawn, shown = local.sketch(sketch.cells, sketch.pixels), local.photo(photo.cells)
    return explained(drawn, shown, local.match(drawn, shown), sketch.area, photo.area)


def explained(drawn: Parts, shown: Parts, found: Matches, sketch_area: Box, photo_area: Box) -> Explanation:
    """Explain the matches between parts, which cover these areas of their pictures."""
    inked = np.flatnonzero(drawn.weights > 0)
    begins, ends = drawn.centres[inked], shown.centres[found.photo[inked]]
    weights = np.maximum(found.contribution[inked], 0.1 * drawn.weights[inked])
    labels = groups(begins, ends, weights, 1 / drawn.side, MOST_PARTS)
    order = _order(labels, found.contribution[inked])
    ink = _around(begins, 1 / drawn.side)
    parts, named = [], np.empty(len(inked), dtype=np.int64)
    for number, label in enumerate(order):
        chosen = labels == label
        named[chosen] = number
        cells, weight = inked[chosen], weights[chosen]
        box = _around(begins[chosen], 1 / drawn.side)
        there = photo_area.outside(_mostly_around(ends[chosen], weight, 1 / shown.side)).within()
        parts.append(
            Part(
                sketch=sketch_area.outside(box).within(),
                photo=there,
                strength=float(np.average(found.strength[cells], weights=weight)),
                contribution=float(found.contribution[cells].sum()),
                sketch_place=_place(_relative(box, ink)),
                photo_place=_place(there.centre),
            )
        )
    patches = [
        Patch(
            sketch=sketch_area.outside(_cell(drawn.centres[cell], drawn.side)),
            photo=photo_area.outside(_cell(shown.centres[found.photo[cell]], shown.side)),
            strength=float(found.strength[cell]),
            contribution=float(found.contribution[cell]),
            part=int(part),
        )
        for cell, part in zip(inked, named, strict=True)
    ]
    received = np.zeros(shown.side**2, dtype=np.float32)
    np.add.at(received, found.photo[inked], found.contribution[inked])
    return Explanation(
        found.score,
        tuple(parts),
        tuple(patches),
        found.contribution.reshape(drawn.side, -1),
        received.reshape(shown.side, -1),
        sketch_area,
        photo_area,
    )


def _order(labels: NDArray[np.int64], contribution: Floats) -> Sequence[int]:
    """The groups, the one that adds most first."""
    sums = {label: float(contribution[labels == label].sum()) for label in sorted({*labels.tolist()})}
    return sorted(sums, key=lambda label: (-sums[label], label))


def _cell(centre: Floats, side: int) -> Box:
    return Box(float(centre[0]) - 0.5 / side, float(centre[1]) - 0.5 / side, 1 / side, 1 / side)


def _around(centres: Floats, cell: float) -> Box:
    """The box around whole cells."""
    (left, top), (right, bottom) = centres.min(axis=0).tolist(), centres.max(axis=0).tolist()
    return Box.between(left - cell / 2, top - cell / 2, right + cell / 2, bottom + cell / 2)


def _mostly_around(centres: Floats, weights: Floats, cell: float) -> Box:
    """The box around most cells, without strays."""
    edges = np.array([_quantiles(values, weights) for values in centres.T], dtype=np.float32)
    return _around(edges.T, cell)


def _quantiles(values: Floats, weights: Floats) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    so_far = np.cumsum(weights[order]) / weights.sum()
    low, high = np.searchsorted(so_far, (_STRAY, 1 - _STRAY))
    last = len(values) - 1
    return float(values[order[min(low, last)]]), float(values[order[min(high, last)]])


def _relative(box: Box, within: Box) -> tuple[float, float]:
    x, y = box.centre
    return (x - within.x) / within.width, (y - within.y) / within.height


def _place(centre: tuple[float, float]) -> str:
    column, row = (min(max(int(3 * share), 0), 2) for share in centre)
    return PLACES[3 * row + column]
