"""Strokes to pixels, as the page's canvas paints them: round pens, smooth curves between the points, soft edges.

`service/web/drawing/ink.js` and `curves.js` are the model: a browser test compares the two. All strokes are cut into
short straight pieces; how far a pixel is from a piece says how much of it is ink.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import EmptyDrawing
from model.pictures.strokes import PAPER, Stroke

Floats = NDArray[np.float32]
# Places on the paper: x + iy.
Places = NDArray[np.complex128]

# As in curves.js: a sharper turn is a corner, a curve leaves the straight line by at most this many units, and a
# stroke with pressure is painted in pieces of at most this length.
_CORNER, _BULGE, _STEP = np.pi / 3, 1.0, 3.0
# Pieces of other strokes: as long as that, or half their width; and at least so many to a curve.
_PIECE, _BENDS = 6.0, 3
# Pixels to work on at a time: few enough for a processor's cache.
_AT_ONCE = 2**15
_TINY = 1e-9


@dataclass(frozen=True)
class _Pieces:
    """Straight pieces with round ends: from, to, and half the width, one entry for each."""

    start: Places
    end: Places
    radius: NDArray[np.float64]
    # Whether it belongs to a stroke with pressure, whose pieces are painted one over another.
    pressed: NDArray[np.bool_]

    def at(self, rows: NDArray[Any]) -> _Pieces:
        return _Pieces(self.start[rows], self.end[rows], self.radius[rows], self.pressed[rows])


def painted(strokes: Sequence[Stroke]) -> Image.Image:
    """The paper with these strokes, black on white; raises EmptyDrawing if there are none."""
    if all(stroke.erase for stroke in strokes):
        raise EmptyDrawing("the drawing is empty: draw at least one line")
    paper: Floats | None = None
    for erase, run in groupby(strokes, lambda stroke: stroke.erase):
        blank = _blank(_cut(list(run)))
        if paper is None:
            paper = np.ones_like(blank) if erase else blank
        else:
            paper = 1 - (1 - paper) * blank if erase else paper * blank
    assert paper is not None
    paper *= 255
    paper += 0.5
    return Image.fromarray(paper.astype(np.uint8).reshape(PAPER, PAPER))


def _cut(strokes: Sequence[Stroke]) -> _Pieces:
    """All strokes in pieces, at once: a drawing has hundreds of curves."""
    counts = [len(stroke.points) for stroke in strokes]
    owner = np.repeat(np.arange(len(strokes)), counts)
    half = np.array([stroke.width / 2 for stroke in strokes])
    pressed = np.array([bool((stroke.pressure != stroke.pressure[0]).any()) for stroke in strokes])
    places = np.concatenate([stroke.points for stroke in strokes]).copy().view(np.complex128)[:, 0]
    radius = np.concatenate([stroke.pressure for stroke in strokes]) * half[owner]
    first = np.flatnonzero(owner[1:] == owner[:-1])
    near, far, bent = _controls(places, owner)
    way = pressed[owner[first]]
    longest = np.where(way, _STEP, np.maximum(_PIECE, half[owner[first]]))
    count = np.ceil(np.abs(places[first + 1] - places[first]) / longest)
    count = np.maximum(count, np.where(bent[first] & ~way, _BENDS, 1)).astype(int)
    # Which curve each piece belongs to, and where on the curve it ends.
    curve = first[np.repeat(np.arange(len(first)), count)]
    begins = np.cumsum(count) - count
    share = (np.arange(len(curve)) - np.repeat(begins, count) + 1) / np.repeat(count, count)
    rest = 1 - share
    end = rest**3 * places[curve] + share**3 * places[curve + 1]
    end += 3 * rest * share * (rest * near[curve] + share * far[curve])
    until = rest * radius[curve] + share * radius[curve + 1]
    start, since = np.roll(end, 1), np.roll(until, 1)
    start[begins], since[begins] = places[first], radius[first]
    dots = np.flatnonzero(np.repeat(counts, counts) == 1)
    return _Pieces(
        np.concatenate([start, places[dots]]),
        np.concatenate([end, places[dots]]),
        np.concatenate([(since + until) / 2, radius[dots]]),
        np.concatenate([pressed[owner[curve]], np.zeros(len(dots), dtype=bool)]),
    )


def _controls(places: Places, owner: NDArray[np.int_]) -> tuple[Places, Places, NDArray[np.bool_]]:
    """The control points of the curve from each point to the next, and whether it is one; see curves.js."""
    way = np.diff(places)
    length = np.abs(way)
    a, b = length[:-1], length[1:]
    turn = np.abs(np.angle(way[1:] * way[:-1].conj()))
    smooth = np.flatnonzero((owner[2:] == owner[:-2]) & (a > 0) & (b > 0) & (turn <= _CORNER))
    a, b, turn = a[smooth], b[smooth], turn[smooth]
    towards = way[smooth] / a + way[smooth + 1] / b
    bulge = _BULGE / np.maximum(0.75 * np.sin(turn / 2), _TINY)
    handle = towards * (np.minimum(np.minimum(a, b) / 3, bulge) / np.abs(towards))
    leaving, arriving, bent = way / 3, way / 3, np.zeros(len(way), dtype=bool)
    leaving[smooth + 1], arriving[smooth] = handle, handle
    bent[smooth] = bent[smooth + 1] = True
    return places[:-1] + leaving, places[1:] - arriving, bent


def _blank(pieces: _Pieces) -> Floats:
    """How much of each pixel the pieces leave blank, from 0 to 1."""
    blank = np.ones(PAPER * PAPER, dtype=np.float32)
    for one, side in _parcels(pieces):
        where, left = _left(one, side)
        # Within a line, ink on ink is no darker.
        paint = np.multiply if one.pressed[0] else np.minimum
        paint.at(blank, where, left)
    return blank


def _parcels(pieces: _Pieces) -> Iterator[tuple[_Pieces, int]]:
    """The pieces that touch the paper, as many at a time as fit, with the side of the square that each needs."""
    ends = np.stack([pieces.start, pieces.end]).view(np.float64).reshape(2, -1, 2)
    hem = pieces.radius[:, None] + 0.5
    low, high = ends.min(axis=0) - hem, ends.max(axis=0) + hem
    seen = ((low < PAPER) & (high > 0)).all(axis=1)
    sides = np.minimum(2 * np.ceil((high - low).max(axis=1) / 2).astype(int), PAPER)
    for pressed in (False, True):
        alike = seen & (pieces.pressed == pressed)
        for side in np.unique(sides[alike]).tolist():
            chosen = np.flatnonzero(alike & (sides == side))
            step = max(1, _AT_ONCE // side**2)
            for at in range(0, len(chosen), step):
                yield pieces.at(chosen[at : at + step]), side


def _left(pieces: _Pieces, side: int) -> tuple[NDArray[np.intp], Floats]:
    """The pixels in a square around each piece, and how much of each it leaves blank."""
    middle, span = (pieces.start + pieces.end) / 2, pieces.end - pieces.start
    length = np.abs(span)
    turn = np.where(length > 0, span / np.maximum(length, _TINY), 1)
    # One column for each piece: numpy is quick along the last axis, and squares are small.
    steps = np.arange(side)[:, None]
    left, top = _edge(middle.real, side), _edge(middle.imag, side)
    # From the piece's middle to the centre of each pixel, along the piece and across it.
    x, y = left + 0.5 - middle.real + steps, top + 0.5 - middle.imag + steps
    off = _sums(x * turn.real, y * turn.imag)
    np.abs(off, out=off)
    off -= (length / 2).astype(np.float32)
    np.clip(off, 0, PAPER, out=off)
    off *= off
    across = _sums(-x * turn.imag, y * turn.real)
    across *= across
    off += across
    np.sqrt(off, out=off)
    off -= (pieces.radius - 0.5).astype(np.float32)
    np.clip(off, 0, 1, out=off)
    where: NDArray[np.intp] = ((top + steps) * PAPER)[:, None] + (left + steps)
    return where.ravel(), off.ravel()


def _edge(middle: NDArray[np.float64], side: int) -> NDArray[np.intp]:
    """Where a square of this side starts, on the paper if possible."""
    return np.clip(np.rint(middle - side / 2), 0, PAPER - side).astype(np.intp)


def _sums(columns: NDArray[np.float64], rows: NDArray[np.float64]) -> Floats:
    total: Floats = columns.astype(np.float32) + rows.astype(np.float32)[:, None]
    return total
