"""Detect what a drawing is on: white canvas, cream paper, a blackboard, a sheet photographed in a dim room.

`read_sheet` measures how bright, how noisy and how unevenly lit the paper is, and whether the ink is the lighter
of the two; or finds that the picture is a photograph, without any paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from model.pictures.preprocessing import Preprocessing


@dataclass(frozen=True)
class Sheet:
    """The paper under one drawing: its brightness and noise, measured on the negative if it is `dark`."""

    dark: bool
    level: int
    noise: int
    light: Image.Image | None


def read_sheet(view: Image.Image, how: Preprocessing) -> tuple[Sheet | None, Image.Image]:
    """Return the paper, None for a photograph, and the picture in the grey to read it in."""
    tones = grey(view, how, dark=False)
    level, even = _border(tones, how)
    sheet = (_even_sheet(view, tones, level, how) if even else None) or _uneven_sheet(view, tones, how)
    return sheet, grey(view, how, dark=True) if sheet and sheet.dark else tones


def _even_sheet(view: Image.Image, tones: Image.Image, level: int, how: Preprocessing) -> Sheet | None:
    histogram = np.array(tones.histogram())
    dark = _is_dark(histogram, level, how)
    if dark:
        tones = grey(view, how, dark=True)
        level, _ = _border(tones, how)
        histogram = np.array(tones.histogram())
    share, level, noise = _paper_at(level, histogram, how)
    lighter = histogram[level + how.near + 1 :].sum() / histogram.sum()
    if share < how.least_paper or noise > how.most_noise or lighter > how.lighter_share:
        return None
    if share < how.paper_share and _has_colourful_paper(view, tones, level, how):
        return None
    return Sheet(dark, level, noise, light=None)


def _uneven_sheet(view: Image.Image, tones: Image.Image, how: Preprocessing) -> Sheet | None:
    dark = _is_dark_unevenly(tones)
    if dark:
        tones = grey(view, how, dark=True)
    light = _lighting(tones)
    flat = flattened(tones, light, dark=dark)
    histogram = np.array(flat.histogram())
    share, level, noise = _paper_at(int(histogram[128:].argmax()) + 128, histogram, how)
    if share < how.paper_share or _has_colourful_paper(view, flat, level, how):
        return None
    return Sheet(dark, level, noise, light)


def _paper_at(level: int, histogram: NDArray[np.int_], how: Preprocessing) -> tuple[float, int, int]:
    """The share of the picture near this level, its most common level, and twice its deviation from that."""
    low, high = max(level - how.near, 0), min(level + how.near + 1, 256)
    near = histogram[low:high]
    count = max(int(near.sum()), 1)
    level = low + int(near.argmax())
    noise = 2 * float(np.sqrt((near * (np.arange(low, high) - level) ** 2).sum() / count))
    return count / int(histogram.sum()), level, round(noise)


def _is_dark(histogram: NDArray[np.int_], level: int, how: Preprocessing) -> bool:
    """Whether the ink on an evenly lit sheet is lighter than the sheet: on grey paper it may be either."""
    return bool(histogram[level + how.near + 1 :].sum() > histogram[: max(level - how.near, 0)].sum())


def _is_dark_unevenly(tones: Image.Image) -> bool:
    """The same under uneven light: strokes differ from their surroundings in one direction only."""
    small = tones.resize((96, 96), Image.Resampling.BOX)
    around = np.asarray(small.filter(ImageFilter.GaussianBlur(6)), dtype=np.float32)
    return bool(((np.asarray(small) - around) ** 3).sum() > 0)


def _has_colourful_paper(view: Image.Image, flat: Image.Image, level: int, how: Preprocessing) -> bool:
    """Whether the hue of the supposed paper varies: that of paper does not, that of a sky or a meadow does."""
    paper = np.abs(np.asarray(flat.resize((64, 64), Image.Resampling.BOX)).astype(int) - level) <= how.near
    return bool(paper.any()) and is_colourful(view, how, paper)


def is_colourful(view: Image.Image, how: Preprocessing, where: NDArray[np.bool_] | None = None) -> bool:
    """Whether the hue varies across the picture, or across the given ones of its 64 x 64 cells."""
    red, green, blue = view.convert("RGB").resize((64, 64), Image.Resampling.BOX).split()
    spreads = []
    for band in (red, blue):
        hues = np.asarray(band).astype(int) - np.asarray(green)
        spreads.append((hues if where is None else hues[where]).std())
    return bool(np.hypot(*spreads) > how.hue_spread)


def grey(view: Image.Image, how: Preprocessing, *, dark: bool) -> Image.Image:
    """Brightness, with colour counted as ink; of the negative if the sheet is dark."""
    colours = ImageChops.invert(view) if dark else view
    if view.mode == "L":
        return colours
    red, green, blue = colours.split()
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    return Image.blend(colours.convert("L"), least, how.colour_as_ink)


def in_one_band(image: Image.Image) -> Image.Image:
    """Reduce a picture without colours to one band: the same content for a third of the work."""
    if image.mode != "RGB":
        return image
    red, green, blue = image.split()
    bands = (np.asarray(red), np.asarray(green), np.asarray(blue))
    plain = np.array_equal(bands[0], bands[1]) and np.array_equal(bands[1], bands[2])
    return red if plain else image


def _border(tones: Image.Image, how: Preprocessing) -> tuple[int, bool]:
    """How bright the border is, and whether it is uniform."""
    small = np.asarray(tones.resize((64, 64), Image.Resampling.BOX))
    ring = np.concatenate(
        [small[:3].ravel(), small[-3:].ravel(), small[:, :3].ravel(), small[:, -3:].ravel()]
    )
    level = int(np.median(ring))
    return level, bool((np.abs(ring.astype(int) - level) <= how.near).mean() >= 0.75)


def _lighting(tones: Image.Image) -> Image.Image:
    """The light on the paper, as if nothing were drawn on it."""
    small = tones.resize((96, 96), Image.Resampling.BOX)
    closed = small.filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.MinFilter(5))
    small = closed.filter(ImageFilter.GaussianBlur(4))
    return small.resize(tones.size, Image.Resampling.BILINEAR)


def flattened(tones: Image.Image, light: Image.Image, *, dark: bool) -> Image.Image:
    """Even out the light: paper gets darker with the light, while chalk on a board only adds to it."""
    if dark:
        return ImageChops.invert(ImageChops.subtract(light, tones))
    bright = np.maximum(np.asarray(light), 1).astype(np.uint16)
    even = np.asarray(tones).astype(np.uint16) * 255 // bright
    return Image.fromarray(np.minimum(even, 255).astype(np.uint8))
