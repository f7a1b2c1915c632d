"""A drawing as another hand would have drawn it: its strokes are traced, changed, and drawn with another pen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from model.modality import Pixels
from model.training.variations.tracing import Stroke, strokes

# Lines are traced where there is this much ink; a picture with a larger share of it has surfaces, not lines.
_INK, _MOST = 110, 0.22
# Drawn larger, and reduced again, lines are smooth.
_SCALE = 2
# Limits, in pixels of a picture of 224; each value is drawn uniformly from its range.
_WIDTH = (1.2, 7.0)
_TREMBLE = (0.0, 2.2)
_ASTRAY = (0.0, 3.0)
_GAP = (2.0, 9.0)
# Degrees by which a stroke may turn, and the share by which it may grow.
_TURN, _GROWTH = 6.0, 0.08
# Points between which a hand trembles once.
_WAVE = 18
_LEAST = 0.55


def redrawn(pixels: Pixels, rng: np.random.Generator) -> Image.Image | None:
    """A tidied drawing, dark on white, drawn once more; None if it has no lines that could be traced."""
    ink = pixels[..., 0] < 255 - _INK
    if not 0 < ink.mean() < _MOST:
        return None
    found = strokes(ink)
    if not found:
        return None
    unit = len(pixels) / 224
    changed = [_astray(stroke, rng, unit) for stroke in _kept(found, rng)]
    return _drawn(changed, len(pixels), rng, unit)


def _kept(found: list[Stroke], rng: np.random.Generator) -> list[Stroke]:
    """Now and then without some strokes, the shortest first, or only what was drawn until then."""
    fate = rng.random()
    whole = sum(map(len, found))
    if fate < 0.35 and len(found) > 2:
        chance = rng.uniform(0.0, 0.4)
        kept = [stroke for stroke in found if len(stroke) > 0.2 * whole or rng.random() > chance]
    elif fate < 0.5 and len(found) > 2:
        # From one end of the picture to the other, as many hands draw.
        along = rng.uniform(-1, 1, size=2)
        order = sorted(found, key=lambda stroke: float(stroke.mean(axis=0) @ along))
        kept = order[: max(1, round(len(order) * rng.uniform(0.5, 0.95)))]
    else:
        return found
    return kept if sum(map(len, kept)) >= _LEAST * whole else found


def _astray(stroke: Stroke, rng: np.random.Generator, unit: float) -> Stroke:
    """A little elsewhere, turned, grown, and not quite where it should be along its way."""
    middle = stroke.mean(axis=0)
    angle = np.deg2rad(rng.normal(0, _TURN / 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (stroke - middle) @ turn.T * rng.normal(1, _GROWTH / 2) + middle
    moved = moved + rng.normal(0, rng.uniform(*_ASTRAY) * unit / 2, size=2)
    knots = max(2, len(stroke) // _WAVE + 1)
    offsets = rng.normal(0, rng.uniform(*_TREMBLE) * unit / 2, size=(knots, 2))
    at, where = np.linspace(0, knots - 1, len(stroke)), np.arange(knots)
    for axis in range(2):
        moved[:, axis] += np.interp(at, where, offsets[:, axis])
    return np.asarray(moved, dtype=np.float64)


def _drawn(found: list[Stroke], side: int, rng: np.random.Generator, unit: float) -> Image.Image:
    image = Image.new("L", (side * _SCALE, side * _SCALE), 255)
    draw = ImageDraw.Draw(image)
    # Most pens are thin.
    width = _WIDTH[0] * (_WIDTH[1] / _WIDTH[0]) ** rng.random() * unit * _SCALE
    pressed, gaps = rng.uniform(0, 0.5), rng.random() < 0.3
    for stroke in found:
        for part in _parted(stroke, rng, unit) if gaps else [stroke]:
            _line(draw, part[::2] * _SCALE, max(1.0, width * (1 - pressed * rng.random())))
    return image.resize((side, side), Image.Resampling.BOX)


def _parted(stroke: Stroke, rng: np.random.Generator, unit: float) -> list[Stroke]:
    """Where a hand was fast, the line has a gap."""
    if len(stroke) < 12:
        return [stroke]
    at = int(rng.integers(4, len(stroke) - 4))
    gap = round(rng.uniform(*_GAP) * unit)
    return [part for part in (stroke[:at], stroke[at + gap :]) if len(part) > 1]


def _line(draw: ImageDraw.ImageDraw, points: NDArray[np.float64], width: float) -> None:
    across = [(float(x), float(y)) for x, y in points]
    draw.line(across, fill=0, width=round(width), joint="curve")
    radius = width / 2
    for x, y in (across[0], across[-1]):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
