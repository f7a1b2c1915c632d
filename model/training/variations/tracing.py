"""From a drawing's pixels to its strokes: lines are thinned to a pixel, and followed from end to end.

Thinning is that of Zhang and Suen (1984), by a table of all 256 neighbourhoods.
"""

import math

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
# Points in order, as (x, y).
Stroke = NDArray[np.float64]
# Clockwise, from the one above.
_AROUND = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))
_SPECK = 3


def strokes(ink: Mask) -> list[Stroke]:
    """The lines of a drawing. Where some meet, the straightest way goes on, and the others begin."""
    lines, found = _Lines(thinned(ink)), []
    while starts := lines.starts():
        found += [lines.followed(start) for start in starts if lines.has(start)]
    return [np.array(points, dtype=np.float64) for points in found if len(points) >= _SPECK]


def thinned(ink: Mask) -> Mask:
    """Lines of one pixel's width."""
    padded = np.pad(ink, 1).astype(np.uint8)
    flat, around = padded.reshape(-1), [dy * padded.shape[1] + dx for dx, dy in _AROUND]
    left = np.flatnonzero(flat)
    while True:
        before = len(left)
        for table in _TABLES:
            neighbourhoods = np.zeros(len(left), dtype=np.uint8)
            for bit, step in enumerate(around):
                neighbourhoods |= flat[left + step] << np.uint8(bit)
            removable = table[neighbourhoods]
            flat[left[removable]] = 0
            left = left[~removable]
        if len(left) == before:
            return padded[1:-1, 1:-1].astype(bool)


class _Lines:
    """The points that nobody has walked on yet: numbers that grow with x and, where that is the same, with y."""

    def __init__(self, thin: Mask) -> None:
        columns = np.pad(thin, 1).T.astype(np.uint8)
        self._height = columns.shape[1]
        self._around = sorted((dx * self._height + dy, dx, dy) for dx, dy in _AROUND)
        flat = columns.reshape(-1)
        points = np.flatnonzero(flat)
        beside = np.zeros(len(flat), dtype=np.uint8)
        for step, _, _ in self._around:
            beside[points] += flat[points + step]
        self._left, self._beside = bytearray(flat.tobytes()), bytearray(beside.tobytes())
        self._ends = points[beside[points] == 1].tolist()
        self._from_first = iter(points.tolist())

    def has(self, point: int) -> bool:
        return bool(self._left[point])

    def starts(self) -> list[int]:
        """Where lines end; if none does, all that are left are loops, and the first point begins one."""
        ends = sorted({point for point in self._ends if self._left[point] and self._beside[point] == 1})
        self._ends = []
        if ends:
            return ends
        for point in self._from_first:
            if self._left[point]:
                return [point]
        return []

    def followed(self, start: int) -> list[tuple[int, int]]:
        """Walk on from a point, taking what is walked on."""
        left, beside = self._left, self._beside
        x, y = start // self._height - 1, start % self._height - 1
        points, point, dx, dy = [(x, y)], start, 0, 0
        while True:
            left[point] = 0
            best, ahead = -math.inf, None
            for step, step_x, step_y in self._around:
                near = point + step
                if not left[near]:
                    continue
                beside[near] -= 1
                if beside[near] == 1:
                    self._ends.append(near)
                straight = step_x * dx + step_y * dy
                if straight > best:
                    best, ahead = straight, (step, step_x, step_y)
            if ahead is None:
                return points
            point, x, y = point + ahead[0], x + ahead[1], y + ahead[2]
            points.append((x, y))
            # Where it came from some points ago: a pixel's own step has eight directions only.
            before = points[max(0, len(points) - 6)]
            dx, dy = x - before[0], y - before[1]


def _removable(first: bool) -> Mask:
    """Which neighbourhoods let a pixel go, in the first or the second pass."""
    table = np.zeros(256, dtype=bool)
    for code in range(256):
        up, _, right, _, down, _, left_, _ = ring = [bool(code >> bit & 1) for bit in range(8)]
        changes = sum(not one and other for one, other in zip(ring, [*ring[1:], ring[0]], strict=True))
        kept = right and down and (up or left_) if first else up and left_ and (right or down)
        table[code] = 2 <= sum(ring) <= 6 and changes == 1 and not kept
    return table


_TABLES = (_removable(first=True), _removable(first=False))
