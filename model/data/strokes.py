"""QuickDraw's strokes to pictures, each time a little differently: pen width, jitter, a stroke left out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from model.data.datasets import DataProblem, Record

# Drawn this many times larger and scaled down: Pillow's lines have no antialiasing of their own.
FINER = 3
MARGIN = 0.06
# A QuickDraw drawing fills 256 units; the set's own pictures have lines of about this share of the side.
PEN = 0.018

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Strokes:
    """A drawing as lines through points, in drawing order; `points` are (n, 2), x to the right, y down."""

    strokes: tuple[Points, ...]
    recognized: bool = True


@dataclass(frozen=True)
class Variation:
    """How far a rendering may stray from the drawing; zeros render it as it was drawn."""

    width: tuple[float, float] = (0.6, 1.8)
    jitter: float = 0.008
    drop: float = 0.1
    turn: float = 6.0


class StrokeBook:
    """The drawings of a folder of `<class>.ndjson`, found by the key that names their picture."""

    def __init__(self, folder: Path, *, classes_in_memory: int = 512) -> None:
        if not folder.is_dir():
            raise DataProblem(f"expected drawings (<class>.ndjson) in {folder}, found no such folder")
        self.folder = folder
        self._page = lru_cache(maxsize=classes_in_memory)(self._read)

    def find(self, record: Record) -> Strokes | None:
        """The strokes of the picture `.../<class>/<key>.png`, where they are here."""
        return self._page(record.path.parent.name).get(record.path.stem)

    def _read(self, name: str) -> dict[str, Strokes]:
        path = self.folder / f"{name}.ndjson"
        return read_strokes(path) if path.is_file() else {}


def read_strokes(path: Path) -> dict[str, Strokes]:
    """One drawing a line, by its key, in QuickDraw's simplified format."""
    drawings: dict[str, Strokes] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                drawing = json.loads(line)
                strokes = tuple(_points(stroke) for stroke in drawing["drawing"])
                drawings[str(drawing["key_id"])] = Strokes(strokes, bool(drawing.get("recognized", True)))
            except (ValueError, KeyError, TypeError) as error:
                raise DataProblem(f"{path}, line {number}: not a QuickDraw drawing ({error})") from None
    return drawings


def _points(stroke: Sequence[Sequence[float]]) -> Points:
    points = np.array(stroke[:2], dtype=np.float32).T
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError("a stroke is not two lists of as many numbers")
    return points


def render(
    drawing: Strokes, size: int, rng: np.random.Generator | None = None, variation: Variation | None = None
) -> Image.Image:
    """Black lines on white, fitted to the square; with `rng`, a variation of the drawing."""
    strokes = drawing.strokes
    width = PEN * size * FINER
    if rng is not None:
        how = variation or Variation()
        width *= float(rng.uniform(*how.width))
        strokes = _varied(strokes, rng, how)
    side = size * FINER
    sheet = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(sheet)
    for stroke in _fitted(strokes, side, width):
        _draw(pen, stroke, max(1, round(width)))
    return sheet.resize((size, size), Image.Resampling.LANCZOS).convert("RGB")


def _varied(strokes: Sequence[Points], rng: np.random.Generator, how: Variation) -> tuple[Points, ...]:
    kept = [stroke for stroke in strokes if rng.random() >= how.drop]
    # A drawing keeps at least half of its ink, or it would be another drawing.
    if sum(map(len, kept)) < sum(map(len, strokes)) / 2:
        kept = list(strokes)
    angle = np.deg2rad(rng.uniform(-how.turn, how.turn))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], dtype=np.float32)
    reach = how.jitter * _extent(strokes)
    return tuple((stroke + rng.normal(0, reach, stroke.shape)).astype(np.float32) @ turn for stroke in kept)


def _extent(strokes: Sequence[Points]) -> float:
    points = np.concatenate(strokes) if strokes else np.zeros((1, 2), dtype=np.float32)
    return float(np.ptp(points, axis=0).max())


def _fitted(strokes: Sequence[Points], side: int, width: float) -> list[Points]:
    """Scaled to fill the square but for a margin, keeping proportions, and centred."""
    if not strokes:
        return []
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    room = side * (1 - 2 * MARGIN) - width
    scale = room / max(float((high - low).max()), 1e-6)
    middle = (low + high) / 2
    return [(stroke - middle) * scale + side / 2 for stroke in strokes]


def _draw(pen: ImageDraw.ImageDraw, stroke: Points, width: int) -> None:
    corners = [(float(x), float(y)) for x, y in stroke]
    if len(corners) > 1:
        pen.line(corners, fill=0, width=width, joint="curve")
    # Round ends, and the only mark of a stroke that is a dot.
    radius = width / 2
    for x, y in (corners[0], corners[-1]):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
