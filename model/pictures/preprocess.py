"""What a tower wants to see: drawings tidied to dark ink on white, photos squashed to a square.

Every constant that changes a vector stands in SETTINGS, which is part of a model's fingerprint: touching
one means indexing anew, and ought to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from model.errors import EmptyDrawing
from model.pictures import paper

# Share of the ink's longer side that stays free around it.
MARGIN = 0.10
# A dot stays a dot: at least this share of the sheet's longer side is shown, or so many pixels if fewer.
LEAST_CROP = (0.125, 96)
# Drawings are judged at up to twice this many pixels a side, and handed on at about as many.
WORKING_SIDE = 400
# Faint drawings are strengthened until this share of their ink is black, at most by this factor.
BLACK_SHARE = 0.02
MOST_GAIN = 8.0
# How much thin strokes are darkened for each halving of the size; nothing is darkened where nothing shrinks.
THIN = 0.33
# How much a drawing is softened for each of its pixels that becomes several.
SOFT = 0.35
# Strokes on a transparent sheet, sampled at so many pixels a side, count as light where fewer than this share
# of them is darker than pastel.
SAMPLE_SIDE = 256
DARK_SHARE = 0.02
PASTEL = 176
# Up to this noise, of 255 grey levels, a sheet was never paper in front of a camera.
CLEAN = 4
# How black a pixel must be to belong to the drawing's extent: on a clean sheet, more for each grey level of
# noise, and at most. And how many such pixels together are more than a speck.
INK = (16, 8, 64)
SPECK = 12
PHOTO_FILTER = Image.Resampling.BICUBIC
REDUCING_GAP = 2.0

SETTINGS: Mapping[str, object] = MappingProxyType(
    {
        # To be raised whenever the procedure changes rather than a constant.
        "tidy": 1,
        **paper.SETTINGS,
        "margin": MARGIN,
        "least_crop": list(LEAST_CROP),
        "working_side": WORKING_SIDE,
        "black_share": BLACK_SHARE,
        "most_gain": MOST_GAIN,
        "thin": THIN,
        "soft": SOFT,
        "sample_side": SAMPLE_SIDE,
        "dark_share": DARK_SHARE,
        "pastel": PASTEL,
        "clean": CLEAN,
        "ink": list(INK),
        "speck": SPECK,
        "photo": "squash",
        "photo_filter": PHOTO_FILTER.name.lower(),
        "reducing_gap": REDUCING_GAP,
    }
)

_OPAQUE = [255 if alpha > 96 else 0 for alpha in range(256)]
# Less contrast than this between ink and paper, of 255, is no line.
_LEAST_CONTRAST = 10
_BLANK = "the drawing is empty: nothing stands out from the sheet; draw at least one line"


def photo_pixels(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """The whole photo squashed to (size, size, 3)."""
    return _resized(image.convert("RGB"), size)


def sketch_pixels(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """The drawing tidied, as (size, size, 3); strokes that shrinking made faint are made dark again."""
    ink = _tidy_ink(image)
    if ink is None:
        return _resized(_padded(image), size)
    small = ink.resize((size, size), PHOTO_FILTER, reducing_gap=REDUCING_GAP)
    if 2 * ink.width < size:
        small = small.filter(ImageFilter.GaussianBlur(SOFT * size / ink.width))
    small = small.point(_strength(np.array(small.histogram()), 0, ink.width / size).tolist())
    return np.asarray(ImageChops.invert(small).convert("RGB"), dtype=np.uint8)


def tidy_sketch(image: Image.Image) -> Image.Image:
    """Dark ink on white, cropped to the ink with a margin and padded to a square; RGB.

    A photograph, in which nothing is paper, comes back whole and only padded. Raises EmptyDrawing.
    """
    ink = _tidy_ink(image)
    return _padded(image) if ink is None else ImageChops.invert(ink).convert("RGB")


def _resized(image: Image.Image, size: int) -> NDArray[np.uint8]:
    return np.asarray(image.resize((size, size), PHOTO_FILTER, reducing_gap=REDUCING_GAP), dtype=np.uint8)


def _padded(image: Image.Image) -> Image.Image:
    image = _over_white(_reduced(image)).convert("RGB")
    side = max(image.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def _reduced(image: Image.Image) -> Image.Image:
    factor = max(image.size) // WORKING_SIDE
    return image.reduce(factor) if factor > 1 else image


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


def _tidy_ink(image: Image.Image) -> Image.Image | None:
    """The ink alone, 255 where it is darkest, in a square; None for a photograph."""
    image = paper.in_one_band(_opaque(image))
    view = _reduced(image)
    sheet, grey = paper.read_sheet(view)
    if sheet is None:
        return None
    try:
        return _ink_square(image, view, sheet, grey)
    except EmptyDrawing:
        # Nothing is darker than the sheet, but something has another colour: a golden star on a grey wall.
        if paper.is_colourful(view):
            return None
        raise


def _ink_square(image: Image.Image, view: Image.Image, sheet: paper.Sheet, grey: Image.Image) -> Image.Image:
    ink = _ink(grey, sheet, shrunk=image.width / view.width)
    share, pixels = LEAST_CROP
    least = min(max(image.size) * share, pixels) * view.width / image.width
    left, top, side = _crop_square(ink, sheet.noise, least)
    if view.width < image.width and 2 * side <= WORKING_SIDE:
        # A small drawing on a large sheet: go back for the pixels that the working size left out.
        zoom = image.width / view.width
        inner = (max(left, 0), max(top, 0), min(left + side, view.width), min(top + side, view.height))
        whole = image.crop((inner[0] * zoom, inner[1] * zoom, inner[2] * zoom, inner[3] * zoom))
        part = _reduced(whole)
        light = sheet.light and sheet.light.crop(inner).resize(part.size, Image.Resampling.BILINEAR)
        closer = replace(sheet, light=light)
        ink = _ink(paper.grey(part, dark=sheet.dark), closer, shrunk=whole.width / part.width)
        scale = part.width / (inner[2] - inner[0])
        left, top, side = _crop_square(ink, sheet.noise, least * scale)
    # Beyond the sheet, crop fills in zeros: there is no ink.
    return ink.crop((left, top, left + side, top + side))


def _opaque(image: Image.Image) -> Image.Image:
    """The drawing on white; strokes of one tone, or of light ones only, as black."""
    if image.mode != "RGBA":
        return image
    alpha = image.getchannel("A")
    if image.getbbox() is None:
        raise EmptyDrawing("the drawing is empty: the picture is fully transparent; draw at least one line")
    step = max(1, max(image.size) // SAMPLE_SIDE)
    sample = image.resize((-(-image.width // step), -(-image.height // step)), Image.Resampling.NEAREST)
    strokes = sample.getchannel("A").point(_OPAQUE)
    tones = np.cumsum(paper.grey(sample.convert("RGB"), dark=False).histogram(strokes))
    covered = int(tones[-1])
    # Where most is covered there is a sheet with cut corners, and what matters is on it.
    if covered <= paper.PAPER_SHARE * sample.width * sample.height:
        # White strokes among dark ones rub out; white strokes alone are the drawing.
        light_only = tones[PASTEL - 1] < DARK_SHARE * covered
        darkest, lightest = np.searchsorted(tones, (0.01 * covered, 0.99 * covered))
        if light_only or lightest - darkest <= paper.NEAR:
            return ImageChops.invert(alpha)
    return _over_white(image)


def _ink(grey: Image.Image, sheet: paper.Sheet, *, shrunk: float) -> Image.Image:
    if sheet.light is not None:
        grey = paper.flattened(grey, sheet.light, dark=sheet.dark)
    # How much ink each tone stands for. One look at the picture and one pass over it do for all that follows.
    depth = (sheet.level - np.arange(256)).clip(0)
    amounts = np.bincount(depth, grey.histogram(), 256)
    # Noise is twice its deviation: three times that is beyond what chance adds to a blank sheet.
    if np.flatnonzero(amounts)[-1] < max(sheet.noise + _LEAST_CONTRAST, 3 * sheet.noise):
        raise EmptyDrawing(_BLANK)
    curve = _strength(amounts, sheet.noise, shrunk if sheet.noise <= CLEAN else 1.0)
    return grey.point(curve[depth].tolist())


def _strength(amounts: NDArray[Any], noise: int, shrunk: float) -> NDArray[np.int_]:
    """Ink stretched so that noise becomes none and the darkest black; faint strokes gain most if it shrank."""
    above = np.cumsum(amounts[: noise + 2 : -1])
    black = 255 - int(np.searchsorted(above, above[-1] * BLACK_SHARE))
    gain = min(255 / max(black - noise, 1), MOST_GAIN) / 255
    lift = 1 / (1 + THIN * max(np.log2(shrunk), 0.0))
    curve: NDArray[np.float64] = ((np.arange(256) - noise) * gain).clip(0, 1) ** lift * 255
    return curve.round().astype(int)


def _crop_square(ink: Image.Image, noise: int, least_side: float) -> tuple[int, int, int]:
    """Left, top and side of the square that shows the ink with its margin; it may reach over the sheet."""
    least, step, most = INK
    threshold = min(least + step * noise, most)
    mask = ink.point([255 if tone >= threshold else 0 for tone in range(256)])
    box = _box_in_company(mask)
    # On a clean sheet even a speck is meant: somebody drew a dot.
    if box is None and noise <= CLEAN:
        box = mask.getbbox()
    if box is None:
        raise EmptyDrawing(_BLANK)
    left, top, right, bottom = box
    side = round(max(max(right - left, bottom - top) * (1 + 2 * MARGIN), least_side, 1))
    return round((left + right - side) / 2), round((top + bottom - side) / 2), side


def _box_in_company(mask: Image.Image) -> tuple[int, int, int, int] | None:
    """The extent of ink that has company: SPECK pixels or more in 3 x 3 cells of 8 x 8. The rest may be dust."""
    filled = np.asarray(mask.reduce(8)).astype(int) * 64
    ringed = np.pad(filled, 1)
    rows, columns = filled.shape
    around = np.sum([ringed[y : y + rows, x : x + columns] for y in range(3) for x in range(3)], axis=0)
    company = around >= (SPECK - 0.5) * 255
    if company[filled > 0].all():
        return mask.getbbox()
    cells = Image.fromarray(np.where(company, 255, 0).astype(np.uint8))
    whole = cells.resize((columns * 8, rows * 8), Image.Resampling.NEAREST).crop((0, 0, *mask.size))
    return ImageChops.darker(mask, whole).getbbox()
