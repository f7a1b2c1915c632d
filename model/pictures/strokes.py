"""Drawings as strokes: lines of points on a paper of 512 x 512, as the page draws them, read from JSON.

[{"width": 7, "points": [[100, 120], [180, 90]]}, {"width": 40, "points": [[150, 100]], "erase": true}]

A third number of a point is its pressure, by which the width is multiplied there. A stroke that erases removes ink.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import BadImage

PAPER = 512
# Longest text of a drawing: several times what a page of handwriting takes.
LONGEST = 2**17
_MOST_POINTS = 10_000
_FURTHEST, _WIDEST, _STRONGEST = 4 * PAPER, 256, 4
# What all strokes may cover together, in units of area: a scribble that fills the paper fifteen times.
_MOST_INK, _HEM = 4_000_000, 8
# What a change between ink and eraser costs: the whole paper is painted anew.
_CHANGE = 20_000
_NEEDED = frozenset({"width", "points"})
_KEYS = _NEEDED | {"erase"}
_INSTEAD = "draw less, or send a picture"


@dataclass(frozen=True, eq=False)
class Stroke:
    """A line of points, in paper units; a dot if there is only one."""

    width: float
    points: NDArray[np.float64]
    pressure: NDArray[np.float64]
    erase: bool = False


# The same drawing is checked on its way in, and painted later.
@functools.lru_cache(4)
def read(text: str) -> tuple[Stroke, ...]:
    """The strokes in a JSON text; raises BadImage that says what is wrong with it."""
    if len(text) > LONGEST:
        raise BadImage(f"{len(text)} characters; at most {LONGEST} are possible: {_INSTEAD}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadImage("no valid JSON; send a list such as " + _EXAMPLE) from None
    if not isinstance(found, list):
        raise BadImage("no list; send a list such as " + _EXAMPLE)
    strokes = tuple(_stroke(number, one) for number, one in enumerate(found, 1))
    count = sum(len(stroke.points) for stroke in strokes)
    if count > _MOST_POINTS:
        raise BadImage(f"{count} points; at most {_MOST_POINTS} are possible: {_INSTEAD}")
    changes = sum(one.erase != other.erase for one, other in itertools.pairwise(strokes))
    if sum(map(_area, strokes)) + _CHANGE * changes > _MOST_INK:
        raise BadImage(f"they cover the paper many times; {_INSTEAD}")
    return strokes


def _stroke(number: int, said: object) -> Stroke:
    if not isinstance(said, Mapping) or not said.keys() <= _KEYS:
        raise BadImage(f"stroke {number} is not like {_EXAMPLE[1:-1]}")
    if missing := sorted(_NEEDED - said.keys()):
        raise BadImage(f"stroke {number} has no `{missing[0]}`: write it like {_EXAMPLE[1:-1]}")
    width, erase = said["width"], said.get("erase", False)
    if type(width) not in (int, float) or not 0 < width <= _WIDEST:
        raise BadImage(f"stroke {number}: its width must be a number above 0, at most {_WIDEST}")
    if type(erase) is not bool:
        raise BadImage(f"stroke {number}: `erase` must be true or false")
    points = _points(number, said["points"])
    pressure = points[:, 2] if points.shape[1] > 2 else np.ones(len(points))
    if not ((pressure > 0) & (pressure <= _STRONGEST)).all():
        raise BadImage(f"stroke {number}: each pressure must be above 0, at most {_STRONGEST}")
    if not (np.abs(points[:, :2]) <= _FURTHEST).all():  # also false for NaN
        raise BadImage(
            f"stroke {number}: each coordinate must be from {-_FURTHEST} to {_FURTHEST}; the paper has {PAPER}"
        )
    return Stroke(float(width), points[:, :2], pressure, erase)


def _points(number: int, said: Any) -> NDArray[np.float64]:
    try:
        found = np.array(said)
    except (ValueError, OverflowError):  # some have more numbers than others
        found = np.array(None)
    if found.dtype.kind not in "if" or found.ndim != 2 or found.shape[1] not in (2, 3):
        raise BadImage(f"stroke {number}: its points must all be [x, y], or all [x, y, pressure]")
    return found.astype(np.float64)


def _area(stroke: Stroke) -> float:
    """About what painting it costs."""
    length = float(np.hypot(*np.diff(stroke.points, axis=0).T).sum())
    width = stroke.width * float(stroke.pressure.max())
    return (length + width) * (width + _HEM)


_EXAMPLE = '[{"width": 7, "points": [[100, 120], [180, 90]]}]'
