"""Augmentation of prepared pictures: what another hand, another pen or another photographer would have made."""

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from model.modality import Pixels

# Limits of a variation; each value is drawn uniformly from its range.
TURN = (-14.0, 14.0)
STRETCH = (0.85, 1.3)
SLANT = (-0.15, 0.15)
SHIFT = (-8.0, 8.0)
SHOWN = (0.45, 1.0)
LIGHT = (0.7, 1.3)


def varied_sketch(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Rotate, stretch, slant, perhaps mirror; change the pen; perhaps erase a part."""
    image = Image.fromarray(pixels).convert("L")
    image = image.transform(
        image.size,
        Image.Transform.AFFINE,
        _affine(image.width, rng),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )
    pen = rng.random()
    if pen < 0.3:
        image = image.filter(ImageFilter.MinFilter(3))
    elif pen < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(0.8)).point([_faded(tone) for tone in range(256)])
    if rng.random() < 0.3:
        image.paste(255, _patch(image.width, rng))
    return np.asarray(image.convert("RGB"), dtype=np.uint8)


def varied_photo(pixels: Pixels, rng: np.random.Generator, shown: tuple[float, float] = SHOWN) -> Pixels:
    """Crop, perhaps mirror, change the light; now and then remove the colours."""
    image = Image.fromarray(pixels)
    side = image.width * float(np.sqrt(rng.uniform(*shown)))
    shape = float(np.exp(rng.uniform(-0.25, 0.25)))
    width, height = min(image.width, side * shape), min(image.height, side / shape)
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    box = (float(left), float(top), float(left + width), float(top + height))
    image = image.resize(image.size, Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(float(rng.uniform(*LIGHT)))
    if rng.random() < 0.15:
        image = image.convert("L").convert("RGB")
    return np.asarray(image, dtype=np.uint8)


def _affine(side: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Pillow's six coefficients, which map a position in the result back to one in the source."""
    angle = np.deg2rad(rng.uniform(*TURN))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1.0, rng.uniform(*SLANT)], [0.0, 1.0]])
    across = rng.uniform(*STRETCH) * (-1 if rng.random() < 0.5 else 1)
    matrix = turn @ slant @ np.diag([across, rng.uniform(*STRETCH)])
    middle = np.array([side / 2, side / 2])
    offset = middle - matrix @ middle + rng.uniform(*SHIFT, size=2) * side / 224
    (a, b), (d, e) = matrix.tolist()
    c, f = offset.tolist()
    return (a, b, c, d, e, f)


def _faded(tone: int) -> int:
    """A finer pen: only the middle of blurred lines remains."""
    return 255 - int(np.clip((255 - tone) * 1.4 - 40, 0, 255))


def _patch(side: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    size = int(rng.integers(side // 11, side // 4))
    left, top = (int(value) for value in rng.integers(0, side - size, size=2))
    return (left, top, left + size, top + size)
