"""Prepare pictures for a tower: drawings tidied to dark ink on white, photos squashed to a square.

Every constant that affects vectors is a field of `Preprocessing`, which is part of a model's card and fingerprint:
changing one means indexing everything again, as it should.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from model.errors import EmptyDrawing
from model.pictures import paper
from model.pictures.areas import WHOLE, Box
from model.pictures.preprocessing import FILTERS, STANDARD, Preprocessing

SETTINGS: Mapping[str, object] = MappingProxyType(STANDARD.described())

_FILTERS = {name: Image.Resampling[name.upper()] for name in FILTERS}
_OPAQUE = [255 if alpha > 96 else 0 for alpha in range(256)]
# Ink and paper that differ by less than this, of 255, do not make a line.
_LEAST_CONTRAST = 10
# A photo is decoded at least this many times as large as the tower sees it. From 1.67 on, a 12-megapixel JPEG (4:3)
# can be decoded at an eighth of its size. docs/indexing.md has what that costs and what it saves.
_ENOUGH = 1.65
_BLANK = "the drawing is empty: nothing stands out from the background; draw at least one line"


def shortest_for(size: int, how: Preprocessing = STANDARD) -> int:
    """The `shortest` with which to decode a photo for a tower of that size; `decode` keeps twice this."""
    # Only what was measured: squashed photos, of which the tower sees everything.
    return round(size * _ENOUGH / 2) if how.photo == "squash" and how.reducing_gap else size


def photo_pixels(image: Image.Image, size: int, how: Preprocessing = STANDARD) -> NDArray[np.uint8]:
    """Prepare a photo as (size, size, 3): squashed whole, or as the card says."""
    image = image.convert("RGB")
    if how.photo == "shortest":
        return _resized(image, size, how, _centre(image.size, size, how.crop_share))
    if how.photo == "longest":
        return _letterboxed(image, size, how)
    return _resized(image, size, how)


def photo_area(image: Image.Image, size: int, how: Preprocessing = STANDARD) -> Box:
    """The area of a photo that `photo_pixels` shows."""
    width, height = image.size
    if how.photo == "shortest":
        return Box.between(*_centre(image.size, size, how.crop_share)).scaled(width, height)
    if how.photo == "longest":
        inner_width, inner_height = _fitted(image.size, size)
        left, top = (size - inner_width) // 2, (size - inner_height) // 2
        return Box(-left, -top, size, size).scaled(inner_width, inner_height)
    return WHOLE


def sketch_pixels(image: Image.Image, size: int, how: Preprocessing = STANDARD) -> NDArray[np.uint8]:
    """Prepare a drawing as (size, size, 3): tidied, and strokes that faded by shrinking darkened again."""
    return placed_sketch(image, size, how)[0]


def placed_sketch(
    image: Image.Image, size: int, how: Preprocessing = STANDARD
) -> tuple[NDArray[np.uint8], Box]:
    """The same, and the area of the drawing that it shows."""
    found = _tidy_ink(image, how)
    if found is None:
        padded, area = _padded(image, how)
        return _resized(padded, size, how), area
    ink, area = found
    small = ink.resize((size, size), _FILTERS[how.photo_filter], reducing_gap=how.reducing_gap)
    if 2 * ink.width < size:
        small = small.filter(ImageFilter.GaussianBlur(how.soft * size / ink.width))
    small = small.point(_strength(np.array(small.histogram()), 0, ink.width / size, how).tolist())
    return np.asarray(ImageChops.invert(small).convert("RGB"), dtype=np.uint8), area


def tidy_sketch(image: Image.Image, how: Preprocessing = STANDARD) -> Image.Image:
    """Tidy a drawing: dark ink on white, cropped to the ink with a margin, padded to a square; RGB.

    A photograph, which has no paper, is returned whole and only padded. Raises EmptyDrawing.
    """
    found = _tidy_ink(image, how)
    return _padded(image, how)[0] if found is None else ImageChops.invert(found[0]).convert("RGB")


def _resized(
    image: Image.Image, size: int, how: Preprocessing, box: tuple[float, float, float, float] | None = None
) -> NDArray[np.uint8]:
    small = image.resize((size, size), _FILTERS[how.photo_filter], box, how.reducing_gap)
    return np.asarray(small, dtype=np.uint8)


def _centre(whole: tuple[int, int], size: int, share: float) -> tuple[float, float, float, float]:
    """The part that remains when a picture is resized by its shortest side and cropped to its centre, before resizing.

    Rounds as torchvision does, but never makes a picture as long as the photo.
    """
    side = math.floor(size / share)
    shortest = min(whole)
    edges: list[tuple[float, float]] = []
    for length in whole:
        small = side if length == shortest else int(side * length / shortest)
        first, pixel = round((small - size) / 2), length / small
        edges.append((first * pixel, min((first + size) * pixel, length)))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _letterboxed(image: Image.Image, size: int, how: Preprocessing) -> NDArray[np.uint8]:
    """Resize by the longest side, centred in a grey square."""
    width, height = _fitted(image.size, size)
    small = image.resize((width, height), _FILTERS[how.photo_filter], reducing_gap=how.reducing_gap)
    square = Image.new("RGB", (size, size), (how.fill,) * 3)
    square.paste(small, ((size - width) // 2, (size - height) // 2))
    return np.asarray(square, dtype=np.uint8)


def _fitted(whole: tuple[int, int], size: int) -> tuple[int, int]:
    """The size of a picture whose longest side becomes `size`."""
    width, height = (max(1, round(length * size / max(whole))) for length in whole)
    return width, height


def _padded(image: Image.Image, how: Preprocessing) -> tuple[Image.Image, Box]:
    small = _over_white(_reduced(image, how)).convert("RGB")
    side = max(small.size)
    left, top = (side - small.width) // 2, (side - small.height) // 2
    square = Image.new("RGB", (side, side), "white")
    square.paste(small, (left, top))
    pixel = _factor(image, how)
    return square, Box(-left, -top, side, side).scaled(image.width / pixel, image.height / pixel)


def _factor(image: Image.Image, how: Preprocessing) -> int:
    """How many of a picture's pixels become one in a row."""
    return max(1, max(image.size) // how.working_side)


def _reduced(image: Image.Image, how: Preprocessing) -> Image.Image:
    factor = _factor(image, how)
    return image.reduce(factor) if factor > 1 else image


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


def _tidy_ink(image: Image.Image, how: Preprocessing) -> tuple[Image.Image, Box] | None:
    """Extract the ink into a square, 255 where it is darkest, and say where that is; None for a photograph."""
    image = paper.in_one_band(_opaque(image, how))
    view = _reduced(image, how)
    sheet, grey = paper.read_sheet(view, how)
    if sheet is None:
        return None
    try:
        return _ink_square(image, view, sheet, grey, how)
    except EmptyDrawing:
        # Nothing is darker than the sheet, but something has another colour: a golden star on a grey wall.
        if paper.is_colourful(view, how):
            return None
        raise


def _ink_square(
    image: Image.Image, view: Image.Image, sheet: paper.Sheet, grey: Image.Image, how: Preprocessing
) -> tuple[Image.Image, Box]:
    ink = _ink(grey, sheet, how, shrunk=image.width / view.width)
    share, pixels = how.least_crop
    least = min(max(image.size) * share, pixels) * view.width / image.width
    left, top, side = _crop_square(ink, sheet.noise, least, how)
    begins, pixel = (0, 0), _factor(image, how)
    if view.width < image.width and 2 * side <= how.working_side:
        # A small drawing on a large sheet: go back to the original for the pixels that the working size dropped.
        zoom = image.width / view.width
        inner = (max(left, 0), max(top, 0), min(left + side, view.width), min(top + side, view.height))
        whole = image.crop((inner[0] * zoom, inner[1] * zoom, inner[2] * zoom, inner[3] * zoom))
        part = _reduced(whole, how)
        # As crop rounds.
        begins, pixel = (round(inner[0] * zoom), round(inner[1] * zoom)), _factor(whole, how)
        light = sheet.light and sheet.light.crop(inner).resize(part.size, Image.Resampling.BILINEAR)
        closer = replace(sheet, light=light)
        ink = _ink(paper.grey(part, how, dark=sheet.dark), closer, how, shrunk=whole.width / part.width)
        scale = part.width / (inner[2] - inner[0])
        left, top, side = _crop_square(ink, sheet.noise, least * scale, how)
    area = Box(begins[0] + left * pixel, begins[1] + top * pixel, side * pixel, side * pixel)
    # Beyond the sheet, crop fills in zeros, which means no ink.
    return ink.crop((left, top, left + side, top + side)), area.scaled(image.width, image.height)


def _opaque(image: Image.Image, how: Preprocessing) -> Image.Image:
    """Put the drawing on white; strokes of a single tone, or of light tones only, become black."""
    if image.mode != "RGBA":
        return image
    alpha = image.getchannel("A")
    if image.getbbox() is None:
        raise EmptyDrawing("the drawing is empty: the picture is fully transparent; draw at least one line")
    step = max(1, max(image.size) // how.sample_side)
    sample = image.resize((-(-image.width // step), -(-image.height // step)), Image.Resampling.NEAREST)
    strokes = sample.getchannel("A").point(_OPAQUE)
    tones = np.cumsum(paper.grey(sample.convert("RGB"), how, dark=False).histogram(strokes))
    covered = int(tones[-1])
    # If most of it is opaque, it is a sheet with cut-off corners, and the drawing is on it.
    if covered <= how.paper_share * sample.width * sample.height:
        # White strokes among dark ones are an eraser's; white strokes alone are the drawing.
        light_only = tones[how.pastel - 1] < how.dark_share * covered
        darkest, lightest = np.searchsorted(tones, (0.01 * covered, 0.99 * covered))
        if light_only or lightest - darkest <= how.near:
            return ImageChops.invert(alpha)
    return _over_white(image)


def _ink(grey: Image.Image, sheet: paper.Sheet, how: Preprocessing, *, shrunk: float) -> Image.Image:
    if sheet.light is not None:
        grey = paper.flattened(grey, sheet.light, dark=sheet.dark)
    # How much ink each tone stands for. One histogram and one pass over the picture cover all that follows.
    depth = (sheet.level - np.arange(256)).clip(0)
    amounts = np.bincount(depth, grey.histogram(), 256)
    # Noise is twice its deviation; three times that is more than chance adds to a blank sheet.
    if np.flatnonzero(amounts)[-1] < max(sheet.noise + _LEAST_CONTRAST, 3 * sheet.noise):
        raise EmptyDrawing(_BLANK)
    curve = _strength(amounts, sheet.noise, shrunk if sheet.noise <= how.clean else 1.0, how)
    return grey.point(curve[depth].tolist())


def _strength(amounts: NDArray[Any], noise: int, shrunk: float, how: Preprocessing) -> NDArray[np.int_]:
    """Stretch ink so that noise vanishes and the darkest turns black; after shrinking, faint strokes gain most."""
    above = np.cumsum(amounts[: noise + 2 : -1])
    black = 255 - int(np.searchsorted(above, above[-1] * how.black_share))
    gain = min(255 / max(black - noise, 1), how.most_gain) / 255
    lift = 1 / (1 + how.thin * max(np.log2(shrunk), 0.0))
    curve: NDArray[np.float64] = ((np.arange(256) - noise) * gain).clip(0, 1) ** lift * 255
    return curve.round().astype(int)


def _crop_square(ink: Image.Image, noise: int, least_side: float, how: Preprocessing) -> tuple[int, int, int]:
    """Left, top and side of the square around the ink and its margin; it may extend beyond the sheet."""
    least, step, most = how.ink
    threshold = min(least + step * noise, most)
    mask = ink.point([255 if tone >= threshold else 0 for tone in range(256)])
    box = _clustered_box(mask, how)
    # On a clean sheet even a speck counts: it is a dot that somebody drew.
    if box is None and noise <= how.clean:
        box = mask.getbbox()
    if box is None:
        raise EmptyDrawing(_BLANK)
    left, top, right, bottom = box
    side = round(max(max(right - left, bottom - top) * (1 + 2 * how.margin), least_side, 1))
    return round((left + right - side) / 2), round((top + bottom - side) / 2), side


def _clustered_box(mask: Image.Image, how: Preprocessing) -> tuple[int, int, int, int] | None:
    """The extent of clustered ink: at least `speck` pixels in 3 x 3 cells of 8 x 8. The rest may be dust."""
    filled = np.asarray(mask.reduce(8)).astype(int) * 64
    ringed = np.pad(filled, 1)
    rows, columns = filled.shape
    around = np.sum([ringed[y : y + rows, x : x + columns] for y in range(3) for x in range(3)], axis=0)
    company = around >= (how.speck - 0.5) * 255
    if company[filled > 0].all():
        return mask.getbbox()
    cells = Image.fromarray(np.where(company, 255, 0).astype(np.uint8))
    whole = cells.resize((columns * 8, rows * 8), Image.Resampling.NEAREST).crop((0, 0, *mask.size))
    return ImageChops.darker(mask, whole).getbbox()
