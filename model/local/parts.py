"""Parts of a picture: one token for each cell of a grid, without what all pictures of its kind share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.modality import Pixels, Vectors, unit

# What a local head gives: (side, side, width + 1) for a picture, tokens and how much each cell counts.
Cells = NDArray[np.float32]
Floats = NDArray[np.float32]

# A cell with less ink than this, of 255, is blank paper.
BLANK = 4.0
_MOST = 3.0


@dataclass(frozen=True)
class Parts:
    """The parts of one picture, row by row; `side` cells per row."""

    # (k, width) unit vectors.
    tokens: Vectors
    # (k, 2): x and y of each cell's centre as shares of width and height.
    centres: Floats
    # (k,) how much each counts: 0 for blank paper; those of a drawing sum to 1.
    weights: Floats
    side: int


def parts(cells: Cells, encoding: Vectors, drawing: Pixels | None = None) -> Parts:
    """The parts of a picture's cells; `encoding` is what its kind shares, `drawing` its pixels if it is one."""
    side = len(cells)
    rows = cells.reshape(side * side, -1)
    weights = np.exp(np.clip(rows[:, -1], -_MOST, _MOST))
    if drawing is not None:
        weights *= inked(drawing, side)
        weights /= max(float(weights.sum()), 1e-6)
    return Parts(unit(rows[:, :-1] - encoding), centres(side), weights.astype(np.float32), side)


def inked(drawing: Pixels, side: int) -> NDArray[np.bool_]:
    """Which cells of a prepared drawing have ink; the darkest one of a drawing that has next to none."""
    size = len(drawing) // side * side
    # Drawings are grey, so one band says all.
    light = drawing[:size, :size, 1].reshape(side, size // side, side, size // side)
    found = 255 - light.mean(axis=(1, 3), dtype=np.float32).ravel()
    dark: NDArray[np.bool_] = found >= min(BLANK, float(found.max()))
    return dark


def centres(side: int) -> Floats:
    """The centres (side * side, 2) of a grid's cells, x before y."""
    places = (np.arange(side, dtype=np.float32) + 0.5) / side
    return np.stack([np.tile(places, side), np.repeat(places, side)], axis=1)


def coarser(cells: Cells, side: int) -> Cells:
    """The same cells averaged to a coarser grid: (..., side, side, width)."""
    step = cells.shape[-2] // side
    *batch, _, _, width = cells.shape
    found: Cells = cells.reshape(*batch, side, step, side, step, width).mean(axis=(-4, -2), dtype=np.float32)
    return found
