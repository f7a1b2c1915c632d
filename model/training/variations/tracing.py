"""From a drawing's pixels to its strokes: lines are thinned to a pixel, and followed from end to end.

Thinning is that of Zhang and Suen (1984), by a table of all 256 neighbourhoods.
"""

from collections.abc import Iterator

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
    left = {(int(x), int(y)) for y, x in np.argwhere(thinned(ink))}
    found = []
    while left:
        ends = [point for point in left if sum(1 for _ in _beside(point, left)) == 1]
        # In a fixed order: sets have none. Without ends, all that is left are loops.
        for start in sorted(ends) or [min(left)]:
            if start in left:
                found.append(_followed(start, left))
    return [np.array(points, dtype=np.float64) for points in found if len(points) >= _SPECK]


def thinned(ink: Mask) -> Mask:
    """Lines of one pixel's width."""
    found = np.pad(ink, 1)
    while True:
        before = np.count_nonzero(found)
        for table in _TABLES:
            found &= ~table[_neighbourhoods(found)]
        if np.count_nonzero(found) == before:
            return found[1:-1, 1:-1]


def _followed(start: tuple[int, int], left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Walk on from a point, taking what is walked on."""
    points, (x, y), (dx, dy) = [start], start, (0.0, 0.0)
    left.remove(start)
    while beside := sorted(_beside((x, y), left)):
        near_x, near_y = x, y
        x, y = max(beside, key=lambda one: (one[0] - near_x) * dx + (one[1] - near_y) * dy)
        left.remove((x, y))
        points.append((x, y))
        # Where it came from some points ago: a pixel's own step has eight directions only.
        before = points[max(0, len(points) - 6)]
        dx, dy = float(x - before[0]), float(y - before[1])
    return points


def _beside(point: tuple[int, int], left: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    x, y = point
    return ((x + dx, y + dy) for dx, dy in _AROUND if (x + dx, y + dy) in left)


def _neighbourhoods(mask: Mask) -> NDArray[np.uint8]:
    """For each pixel, which of its neighbours are set; the border has none."""
    codes = np.zeros(mask.shape, dtype=np.uint8)
    inner = codes[1:-1, 1:-1]
    height, width = mask.shape
    for bit, (dx, dy) in enumerate(_AROUND):
        inner |= mask[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx].astype(np.uint8) << np.uint8(bit)
    return codes


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
