"""Variations of every kind, for long runs: most of a drawing's or a photo's are seen once only."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from model.errors import EmptyDrawing
from model.modality import Pixels
from model.pictures.preprocess import sketch_pixels
from model.pictures.preprocessing import Preprocessing
from model.training.variations.light import varied_photo, varied_sketch
from model.training.variations.pen import redrawn
from model.training.variations.scenes import closer, composed
from model.training.variations.sheets import on_paper, slanted

# Shares of a drawing's variations; those that are left are light ones.
_REDRAWN, _PAPER = 0.6, 0.25
# Shares of a photo's.
_COMPOSED, _CLOSER = 0.35, 0.25


def rich_sketch(plain: Pixels, size: int, how: Preprocessing, rng: np.random.Generator) -> Pixels:
    """`plain` is a prepared drawing; what is made of it is prepared as a user's would be."""
    drawing = redrawn(plain, rng) if rng.random() < _REDRAWN else None
    if drawing is None:
        drawing = Image.fromarray(varied_sketch(plain, rng))
    elif rng.random() < 0.5:
        drawing = ImageOps.mirror(drawing)
    if rng.random() < _PAPER:
        drawing = on_paper(drawing, rng)
    elif rng.random() < 0.3:
        drawing = slanted(drawing, rng)
    try:
        return sketch_pixels(drawing, size, how)
    except EmptyDrawing:
        # Too faint on its paper, or hardly anything was left of it.
        return varied_sketch(plain, rng)


def rich_photo(plain: Pixels, another: Callable[[], Pixels], rng: np.random.Generator) -> Pixels:
    """`another` gives a prepared photo of something else."""
    kind = rng.random()
    if kind < _COMPOSED:
        return varied_photo(composed(plain, another, rng), rng, shown=(0.8, 1.0))
    if kind < _COMPOSED + _CLOSER:
        return varied_photo(closer(plain, rng), rng, shown=(0.8, 1.0))
    return varied_photo(plain, rng)
