"""A photo's thing smaller, among other things, or seen only in part: what real libraries hold."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model.modality import Pixels

# The thing's share of the scene's area, and how much of a photo a close view shows.
_SHARE = (1 / 9, 1 / 2)
_SHOWN = (0.25, 0.9)
# A few pixels in which a pasted photo fades into the scene.
_SOFT = 3.0
# So much of what else is pasted may hide the thing.
_HIDDEN = 0.15
_MORE = 0.35


def composed(pixels: Pixels, another: Callable[[], Pixels], rng: np.random.Generator) -> Pixels:
    """The photo, smaller, on another, perhaps with a third beside it."""
    side = len(pixels)
    scene = Image.fromarray(another())
    box = _placed(side, rng.uniform(*_SHARE), rng)
    if rng.random() < _MORE:
        beside = _placed(side, rng.uniform(*_SHARE), rng)
        if _common(box, beside) < _HIDDEN * _area(box):
            _paste(scene, another(), beside, rng)
    _paste(scene, pixels, box, rng)
    return np.asarray(scene, dtype=np.uint8)


def closer(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A part of the photo, down to a quarter of its area."""
    side = len(pixels)
    left, top, right, bottom = _placed(side, rng.uniform(*_SHOWN), rng)
    near = Image.fromarray(pixels).resize(
        (side, side), Image.Resampling.BICUBIC, box=(left, top, right, bottom)
    )
    return np.asarray(near, dtype=np.uint8)


def _placed(side: int, share: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    shape = float(np.exp(rng.uniform(-0.3, 0.3)))
    width, height = (
        min(side, max(8, round(side * float(np.sqrt(share)) * each))) for each in (shape, 1 / shape)
    )
    left, top = int(rng.integers(side - width + 1)), int(rng.integers(side - height + 1))
    return left, top, left + width, top + height


def _paste(
    scene: Image.Image, pixels: Pixels, box: tuple[int, int, int, int], rng: np.random.Generator
) -> None:
    size = (box[2] - box[0], box[3] - box[1])
    thing = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if rng.random() < 0.5:
        scene.paste(thing, box)
        return
    mask = Image.fromarray(_inner(size)).filter(ImageFilter.GaussianBlur(_SOFT))
    scene.paste(thing, box, mask)


def _inner(size: tuple[int, int]) -> NDArray[np.uint8]:
    mask = np.zeros((size[1], size[0]), dtype=np.uint8)
    edge = int(_SOFT)
    mask[edge:-edge, edge:-edge] = 255
    return mask


def _common(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
