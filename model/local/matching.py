"""Compare a drawing with photos, part by part.

Each inked cell of the drawing looks for the cell of the photo that is most like it, and near the place where it should
be; the score is the mean of how well they did, by how much each cell counts. So a score is a sum over the
drawing's cells, and what each adds to it is no estimate.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.local.parts import Floats, Parts
from model.modality import Vectors


@dataclass(frozen=True)
class Matches:
    """A drawing against one photo, cell by cell of the drawing."""

    # The photo's cell that each of the drawing's matches.
    photo: NDArray[np.int64]
    # How alike the two are, from -1 to 1.
    strength: Floats
    # What each adds to the score; 0 for blank paper.
    contribution: Floats
    score: float


def scores(drawing: Parts, photos: Vectors, apart: Floats) -> Floats:
    """How well photos (n, m, width) fit; `apart` (k, m) is what the distance between two cells costs."""
    inked = drawing.weights > 0
    tokens = drawing.tokens[inked]
    count, cells, width = photos.shape
    alike = (photos.reshape(count * cells, width) @ tokens.T).reshape(count, cells, len(tokens))
    alike -= apart[inked].T
    found: Floats = alike.max(axis=1) @ drawing.weights[inked]
    return found


def match(drawing: Parts, photo: Parts, apart: Floats) -> Matches:
    """Match each of the drawing's cells with one of the photo's."""
    alike = drawing.tokens @ photo.tokens.T
    found = alike - apart
    best = found.argmax(axis=1)
    every = np.arange(len(best))
    contribution = drawing.weights * found[every, best]
    return Matches(best, alike[every, best], contribution, float(contribution.sum()))


def without(drawing: Parts, photo: Parts, apart: Floats, sets: Sequence[Collection[int]]) -> Floats:
    """The scores without each of these sets of the photo's cells: as if their tokens were zero."""
    inked = drawing.weights > 0
    alike, away = drawing.tokens[inked] @ photo.tokens.T, apart[inked]
    found = np.empty(len(sets), dtype=np.float32)
    for number, cells in enumerate(sets):
        gone = [*cells]
        left = alike - away
        left[:, gone] = -away[:, gone]
        found[number] = left.max(axis=1) @ drawing.weights[inked]
    return found


def apart(drawing: Floats, photo: Floats, cost: float) -> Floats:
    """What the distance between cells costs: (k, m) for centres (k, 2) and (m, 2)."""
    away = drawing[:, None] - photo[None]
    found: Floats = cost * np.sqrt((away**2).sum(axis=-1))
    return found
