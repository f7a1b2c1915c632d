"""Photos turned to something like drawings: their strongest edges as dark lines on white.

An augmentation only. It gives labels without drawings something sketch-like to learn from, and is drawn with
random threshold, smoothing and pen, so that no single style of edge map is learned.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Pen:
    """Smoothing in pixels, the share of pixels that are edges, the share that start one, and line width."""

    blur: float = 1.5
    strong: float = 0.025
    weak: float = 0.05
    width: int = 3

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Pen":
        strong = float(rng.uniform(0.01, 0.045))
        return cls(float(rng.uniform(1.0, 2.5)), strong, strong * 2, int(rng.choice([1, 3, 3])))


def pseudo_sketch(image: Image.Image, rng: np.random.Generator | None = None) -> Image.Image:
    """Lines where the photo has edges, same size, RGB; with `rng`, in a style of their own."""
    pen = Pen() if rng is None else Pen.random(rng)
    edges = edge_map(image, pen)
    sheet = Image.fromarray(np.where(edges, 0, 255).astype(np.uint8))
    if pen.width > 1:
        sheet = sheet.filter(ImageFilter.MinFilter(pen.width))
    return sheet.filter(ImageFilter.GaussianBlur(0.6)).convert("RGB")


def edge_map(image: Image.Image, pen: Pen) -> NDArray[np.bool_]:
    """Canny's steps: smooth, gradient, thin to ridges, keep the strong and what is joined to them."""
    grey = image.convert("L").filter(ImageFilter.GaussianBlur(pen.blur))
    pixels = np.pad(np.asarray(grey, dtype=np.float32), 1, mode="edge")
    across = _sobel(pixels)
    down = _sobel(pixels.T).T
    strength = np.hypot(across, down)
    ridges = _thinned(strength, across, down)
    # Thresholds from the photo's own edges, so that a foggy photo gives lines too; a blank one gives none.
    strong = max(float(np.quantile(ridges, 1 - pen.strong)), 8.0)
    weak = max(min(float(np.quantile(ridges, 1 - pen.weak)), strong), strong / 3)
    return _joined(ridges >= strong, ridges >= weak)


def _sobel(pixels: Plane) -> Plane:
    """Change from left to right at every inner pixel of a padded plane."""
    change = pixels[:, 2:] - pixels[:, :-2]
    summed: Plane = change[:-2] + 2 * change[1:-1] + change[2:]
    return summed


def _thinned(strength: Plane, across: Plane, down: Plane) -> Plane:
    """Strength where it is the largest along its own gradient, zero elsewhere."""
    sector = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(np.int8) % 4
    padded = np.pad(strength, 1)
    rows, columns = strength.shape
    ridge = np.zeros_like(strength, dtype=bool)
    for number, (dy, dx) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        ahead = padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]
        behind = padded[1 - dy : 1 - dy + rows, 1 - dx : 1 - dx + columns]
        ridge |= (sector == number) & (strength >= ahead) & (strength > behind)
    return np.where(ridge, strength, np.float32(0))


def _joined(strong: NDArray[np.bool_], weak: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Weak edges that touch a strong one through weak ones; a few dozen steps reach as far as matters."""
    kept = strong
    for _ in range(48):
        around = np.pad(kept, 1)
        wide = around[:-2] | around[1:-1] | around[2:]
        grown = weak & (wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:])
        if np.array_equal(grown, kept):
            break
        kept = grown
    return kept
