"""Drawings made of photos: their edges as lines, some left out, the whole bent; where each cell comes from is known.

Real drawings with a photo of their own are few and tell only which photo; these are as many as there are photos, and
tell which part. They are no substitute for real ones: a person draws what a thing is, not where its shade ends.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from model.modality import Pixels

Floats = NDArray[np.floating[Any]]
_LEAST = 50
_INK = 0.4


@dataclass(frozen=True)
class Pseudo:
    """A drawing as prepared pixels, and for each cell of a grid the place in the photo (side, side, 2), as shares."""

    pixels: Pixels
    places: Floats


def pseudo(photo: Image.Image, size: int, side: int, rng: np.random.Generator) -> Pseudo:
    """Draw a photo. A drawing of one without edges is blank, and its places are NaN."""
    double = 2 * size
    grey = np.asarray(photo.convert("L").resize((double, double), Image.Resampling.BICUBIC), dtype=np.float32)
    lines = _thinned(_lines(grey, rng), rng)
    rows, columns = np.nonzero(lines > _INK)
    if len(rows) < _LEAST:
        return Pseudo(
            _paper(np.zeros((size, size), np.float32)), np.full((side, side, 2), np.nan, np.float32)
        )
    box = _window(rows / double, columns / double, rng)
    x, y = _bent(box, size, rng)
    left, top, right, bottom = box
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    drawn = ndimage.map_coordinates(lines, [y * double, x * double], order=1, cval=0.0) * inside
    drawn = ndimage.gaussian_filter(drawn, rng.uniform(0.4, 0.9))
    drawn = np.clip(drawn / (0.8 * float(drawn.max()) + 1e-6), 0, 1) * rng.uniform(0.7, 1.0)
    step = size // side
    places = np.stack([x, y], axis=-1)[step // 2 :: step, step // 2 :: step][:side, :side]
    return Pseudo(_paper(drawn), places.astype(np.float32))


def _lines(grey: Floats, rng: np.random.Generator) -> Floats:
    """Edges in one of three styles, 1 where there is a line: thin and hard, a marker's, or soft."""
    blur = rng.uniform(1.2, 3.2)
    style = int(rng.integers(3))
    if style == 1:
        values = grey / 255
        near = ndimage.gaussian_filter(values, blur) - 0.98 * ndimage.gaussian_filter(values, 1.6 * blur)
        dark = -(near - np.percentile(near, 30)) * rng.uniform(25, 50)
        return np.asarray(dark > 0.5, dtype=np.float32)
    smooth = ndimage.gaussian_filter(grey, blur if style == 0 else 1.2 * blur)
    across, down = ndimage.sobel(smooth, axis=1), ndimage.sobel(smooth, axis=0)
    steep = np.hypot(across, down)
    least = float(np.percentile(steep, rng.uniform(86, 96)))
    if style == 2:
        return np.asarray(np.clip((steep - least) / (0.6 * least + 1e-3), 0, 1), dtype=np.float32)
    ridge = _ridges(steep, across, down) & (steep > 0.4 * least)
    # Weak edges count only where they continue strong ones.
    strong = ndimage.binary_propagation(ridge & (steep > least), mask=ridge, structure=np.ones((3, 3)))
    wide = ndimage.binary_dilation(strong, np.ones((2, 2)), iterations=int(rng.integers(1, 3)))
    return np.asarray(wide, dtype=np.float32)


def _ridges(steep: Floats, across: Floats, down: Floats) -> NDArray[np.bool_]:
    """Where the slope is steepest, compared with its two neighbours across the edge."""
    turn = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int) % 4
    ridge = np.zeros(steep.shape, dtype=bool)
    for direction, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead, behind = np.roll(steep, (-dy, -dx), (0, 1)), np.roll(steep, (dy, dx), (0, 1))
        ridge |= (turn == direction) & (steep >= ahead) & (steep >= behind)
    return ridge


def _thinned(lines: Floats, rng: np.random.Generator) -> Floats:
    """Without specks and, more often than not, without some of the lines."""
    marked, count = ndimage.label(lines > _INK, np.ones((3, 3)))
    sizes = np.bincount(marked.ravel(), minlength=count + 1)
    kept = sizes >= rng.integers(20, 120)
    if rng.random() < 0.6:
        kept &= rng.random(count + 1) >= rng.uniform(0, 0.35)
    kept[0] = True
    found: Floats = lines * kept[marked]
    return found


def _window(rows: Floats, columns: Floats, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """What is drawn: everything that has lines, or a part of the photo."""
    if rng.random() < 0.5:
        return float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max())
    width = rng.uniform(0.5, 0.95)
    height = float(np.clip(width * rng.uniform(0.7, 1.4), 0.4, 1))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return left, top, left + width, top + height


def _bent(
    box: tuple[float, float, float, float], size: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """For each pixel of the drawing the place in the photo: stretched, turned, and drawn by an unsure hand."""
    left, top, right, bottom = box
    shares = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    side = max(right - left, bottom - top) * 1.2
    across, down = rng.uniform(0.85, 1.15, 2) * side
    x, y = np.meshgrid(shares * across, shares * down)
    angle = np.deg2rad(rng.uniform(-12, 12))
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    unsure = rng.uniform(0, 0.03)
    shifts = [ndimage.zoom(rng.normal(0, unsure, (4, 4)), size / 4, order=3) for _ in range(2)]
    return (left + right) / 2 + x + shifts[0], (top + bottom) / 2 + y + shifts[1]


def _paper(ink: Floats) -> Pixels:
    return np.repeat((255 - 255 * ink).astype(np.uint8)[..., None], 3, axis=2)
