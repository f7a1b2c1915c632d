"""Explanations of pairs as pictures: what was looked at, which parts belong together, the drawing made of the photo.

Whatever explains a pair gives an `Explained`; cells are counted row by row over a square grid.
"""

import colorsys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from model.encoder import Encoder
from model.local.local import Local
from model.local.parts import Cells, Parts
from model.modality import Pixels

Floats = NDArray[np.float32]

TILE, GAP, CAPTION, HEAD = 160, 8, 16, 18
TITLES = ("attention", "parts that match", "collage")
# Lines of a picture; more of them hide each other.
LINES = 8


@dataclass(frozen=True)
class Explained:
    """A drawing and a photo in parts."""

    score: float
    # For each cell of the drawing: the photo's cell that fits best, how well, and what this adds to the score.
    match: NDArray[np.integer]
    strength: Floats
    contribution: Floats
    # For each cell of the photo: what it adds to the score.
    by_photo: Floats
    # Which cells of the drawing have ink.
    inked: NDArray[np.bool_]
    # Maps (side, side) of the drawing and the photo, where the model attends to parts.
    attention: tuple[Floats | None, Floats | None]
    # The score without each of these sets of the photo's cells.
    without: Callable[[Sequence[Collection[int]]], Floats]

    @property
    def sides(self) -> tuple[int, int]:
        """Cells per side of the drawing and of the photo."""
        return round(len(self.match) ** 0.5), round(len(self.by_photo) ** 0.5)

    @property
    def cells(self) -> NDArray[np.intp]:
        """The inked cells of the drawing."""
        return np.flatnonzero(self.inked)

    def bytes(self) -> bytes:
        """Everything that is said of the pair; two explanations are the same if these are."""
        arrays = (self.match, self.strength, self.contribution, self.by_photo, self.inked, *self.attention)
        return repr(self.score).encode() + b"".join(
            np.ascontiguousarray(each).tobytes() for each in arrays if each is not None
        )


# Of a prepared drawing and a prepared photo; None where nothing can be said.
Explain = Callable[[Pixels, Pixels], Explained | None]


def explained_by(encoder: Encoder, local: Local) -> Explain:
    """The explanations of a model with local parts."""

    def explain(sketch: Pixels, photo: Pixels) -> Explained:
        drawn = local.sketch(cells_of(encoder, sketch[None])[0], sketch)
        shown = local.photo(cells_of(encoder, photo[None])[0])
        found = local.match(drawn, shown)

        adds = np.bincount(found.photo, weights=found.contribution, minlength=len(shown.tokens))
        return Explained(
            score=found.score,
            match=found.photo,
            strength=found.strength,
            contribution=found.contribution,
            by_photo=adds.astype(np.float32),
            inked=drawn.weights > 0,
            attention=(_as_map(drawn), _as_map(shown)),
            without=lambda sets: local.without(drawn, shown, sets),
        )

    return explain


def cells_of(encoder: Encoder, pixels: Pixels) -> Cells:
    """The cells of prepared pictures (n, size, size, 3), of a model that has local parts."""
    cells = encoder.unstripped.encode([*pixels]).cells
    assert cells is not None, "encoder.local is None where there are none"
    return cells


def collage(photo: Pixels, told: Explained) -> Pixels:
    """The drawing's inked cells, each filled with the photo's cell that it matches; the rest is paper."""
    side, theirs = told.sides
    size = len(photo)
    page = Image.new("RGB", (size, size), "white")
    picture = Image.fromarray(photo)
    for cell in told.cells:
        box = _box(int(cell), side, size)
        piece = picture.crop(_box(int(told.match[cell]), theirs, size))
        page.paste(piece.resize((box[2] - box[0], box[3] - box[1])), box[:2])
    return np.asarray(page)


@dataclass(frozen=True)
class PairPicture:
    """A line of the sheet: prepared pixels of both sides, what is known of them, and what they are."""

    sketch: Pixels
    photo: Pixels
    told: Explained
    caption: str


def match_sheet(lines: Sequence[PairPicture], path: Path) -> None:
    """Draw each pair thrice: attention, the parts that add most to its score, and the collage."""
    widths = (2 * TILE, 2 * TILE, TILE)
    lefts = [GAP, 2 * GAP + widths[0], 3 * GAP + widths[0] + widths[1]]
    step = TILE + CAPTION + GAP
    page = Image.new("RGB", (lefts[-1] + widths[-1] + GAP, HEAD + len(lines) * step + GAP), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for left, title in zip(lefts, TITLES, strict=True):
        pen.text((left, 3), title, fill="black", font=font)
    for row, line in enumerate(lines):
        top = HEAD + row * step
        page.paste(_attended(line), (lefts[0], top))
        page.paste(_linked(line), (lefts[1], top))
        page.paste(_tile(collage(line.photo, line.told)), (lefts[2], top))
        pen.text((GAP, top + TILE), line.caption, fill="black", font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)


def _attended(line: PairPicture) -> Image.Image:
    """Both pictures, each paler where the model attends less; as they are where it does not say."""
    page = Image.new("RGB", (2 * TILE, TILE), "white")
    for at, (pixels, weights) in enumerate(zip((line.sketch, line.photo), line.told.attention, strict=True)):
        tile = _tile(pixels)
        if weights is not None:
            shares = (weights / max(float(weights.max()), 1e-12) * 255).astype(np.uint8)
            mask = Image.fromarray(shares).resize(tile.size, Image.Resampling.BILINEAR)
            # Paper is white already, so what is looked at is tinted as well.
            tinted = Image.blend(tile, Image.new("RGB", tile.size, "#d4650b"), 0.35)
            tile = Image.composite(tinted, Image.blend(tile, Image.new("RGB", tile.size, "white"), 0.6), mask)
        page.paste(tile, (at * TILE, 0))
    return page


def _linked(line: PairPicture) -> Image.Image:
    """Both pictures, with lines between the cells that add most to the score."""
    page = Image.new("RGB", (2 * TILE, TILE), "white")
    for at, pixels in enumerate((line.sketch, line.photo)):
        page.paste(_tile(pixels), (at * TILE, 0))
    pen, told = ImageDraw.Draw(page), line.told
    side, theirs = told.sides
    order = told.cells[np.argsort(-told.contribution[told.cells], kind="stable")][:LINES]
    for number, cell in enumerate(map(int, order)):
        red, green, blue = colorsys.hsv_to_rgb(number / LINES, 0.9, 0.8)
        colour = (int(255 * red), int(255 * green), int(255 * blue))
        here, there = _box(cell, side, TILE), _box(int(told.match[cell]), theirs, TILE)
        there = (there[0] + TILE, there[1], there[2] + TILE, there[3])
        for box in (here, there):
            pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=colour, width=2)
        pen.line([((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in (here, there)], fill=colour)
    return page


def _tile(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels).resize((TILE, TILE), Image.Resampling.LANCZOS)


def _box(cell: int, side: int, size: int) -> tuple[int, int, int, int]:
    row, column = divmod(cell, side)
    return column * size // side, row * size // side, (column + 1) * size // side, (row + 1) * size // side


def _as_map(parts: Parts) -> Floats:
    return parts.weights.reshape(parts.side, parts.side)
