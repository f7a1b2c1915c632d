"""A drawing on paper, as a phone or a scanner sees it: shade, tint, rules, grain, a slanted view."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Tones = NDArray[np.float64]
# Limits; tones are of 255.
_PAPER, _INK = (165.0, 250.0), (15.0, 110.0)
_SHADE = 0.35
_GRAIN = (0.0, 7.0)
_RULES = (14, 34)
_QUALITY = (35, 90)
# By how much of its side a corner of the sheet is moved.
_SLANT = 0.12
_MARGIN = 0.25


def on_paper(drawing: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Dark lines on white, in; a picture of a sheet, out."""
    side = round(drawing.width * (1 + _MARGIN))
    sheet = Image.new("L", (side, side), 255)
    left, top = rng.integers(0, side - drawing.width + 1, size=2).tolist()
    sheet.paste(drawing.convert("L"), (left, top))
    if rng.random() < 0.5:
        sheet = _slanted(sheet, rng)
    paper, ink = rng.uniform(*_PAPER), rng.uniform(*_INK)
    tones = np.asarray(sheet, dtype=np.float64) / 255
    seen = ink + (paper - ink) * tones
    if rng.random() < 0.15:
        seen = np.minimum(seen, _ruled(side, paper, rng))
    seen *= _shaded(side, rng)
    seen += rng.normal(0, rng.uniform(*_GRAIN), size=seen.shape)
    tint = 1 - rng.uniform(0, 0.12, size=3)
    coloured = Image.fromarray((seen[..., None] * tint).clip(0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        coloured = coloured.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0))))
    return _compressed(coloured, int(rng.integers(*_QUALITY)))


def slanted(drawing: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Seen from the side, on paper that goes on."""
    return _slanted(drawing.convert("L"), rng)


def _slanted(sheet: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = sheet.width
    corners = np.array([(0, 0), (side, 0), (side, side), (0, side)], dtype=np.float64)
    moved = corners + rng.uniform(-_SLANT, _SLANT, size=(4, 2)) * side
    return sheet.transform(
        sheet.size,
        Image.Transform.PERSPECTIVE,
        perspective(moved, corners),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )


def perspective(to: NDArray[np.float64], source: NDArray[np.float64]) -> tuple[float, ...]:
    """Pillow's eight coefficients, which map four positions in the result to four in the source."""
    rows, right = [], []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    found: list[float] = np.linalg.solve(np.array(rows), np.array(right)).tolist()
    return tuple(found)


def _ruled(side: int, paper: float, rng: np.random.Generator) -> Tones:
    rules = Image.new("L", (side, side), 255)
    draw, apart = ImageDraw.Draw(rules), int(rng.integers(*_RULES))
    tone = int(paper * rng.uniform(0.75, 0.92))
    for place in range(int(rng.integers(apart)), side, apart):
        draw.line((0, place, side, place), fill=tone)
        if apart < sum(_RULES) // 2:
            # Narrow rules are squared paper.
            draw.line((place, 0, place, side), fill=tone)
    return np.asarray(rules, dtype=np.float64)


def _shaded(side: int, rng: np.random.Generator) -> Tones:
    """Light that falls from one side, and perhaps the shadow of a hand."""
    across, down = np.meshgrid(np.linspace(-0.5, 0.5, side), np.linspace(-0.5, 0.5, side))
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, _SHADE)
    along = across * np.cos(angle) + down * np.sin(angle)
    light = 1 - depth * (0.5 + along)
    if rng.random() < 0.3:
        edge = 1 / (1 + np.exp(-(along - rng.uniform(-0.4, 0.4)) * rng.uniform(6, 25)))
        light = light * (1 - rng.uniform(0.1, _SHADE) * edge)
    return np.asarray(light, dtype=np.float64)


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=quality)
    return Image.open(stored).convert("RGB")
