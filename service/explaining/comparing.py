"""Compare one drawing with one photo part by part: prepared in any thread, encoded together, then explained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from model import Encoder
from model.local.explaining import Explanation, Seen, explain
from model.local.parts import Cells
from model.modality import Modality, Pixels
from model.pictures.areas import Box
from model.pictures.preprocess import photo_area, placed_sketch
from service.problems import ServiceError


@dataclass(frozen=True)
class Pair:
    """A prepared drawing and photo, and the areas of them that the model sees."""

    sketch: Pixels
    photo: Pixels
    sketch_area: Box
    photo_area: Box


def prepared(encoder: Encoder, sketch: Image.Image, photo: Image.Image) -> Pair:
    """Prepare both; raises EmptyDrawing if the drawing has no line."""
    pixels, area = placed_sketch(sketch, encoder.size, encoder.preparation)
    return Pair(
        pixels, encoder.prepare_photo(photo), area, photo_area(photo, encoder.size, encoder.preparation)
    )


def encoded(encoder: Encoder, pairs: Sequence[Pair]) -> list[tuple[Cells, Cells]]:
    """The cells of the drawing and of the photo of each pair, all in one batch."""
    refuse_without_parts(encoder)
    pictures = [picture for pair in pairs for picture in (pair.sketch, pair.photo)]
    # What a cell shows does not depend on the kind of picture.
    cells = encoder.encode(pictures, Modality.PHOTO).cells
    if cells is None or not np.isfinite(cells).all():
        raise ValueError("the model returned no usable cells")
    return [(cells[at], cells[at + 1]) for at in range(0, len(cells), 2)]


def compared(encoder: Encoder, pair: Pair, cells: tuple[Cells, Cells]) -> Explanation:
    """Explain how well the photo of a pair fits its drawing."""
    assert encoder.local is not None
    sketch, photo = cells
    return explain(encoder.local, Seen(sketch, pair.sketch_area, pair.sketch), Seen(photo, pair.photo_area))


def refuse_without_parts(encoder: Encoder) -> None:
    """Raise an error if the model cannot explain."""
    if encoder.local is None:
        detail = f"the model {encoder.card.name!r} has no local parts to explain with; use one that has, such as lite"
        raise ServiceError("no_local_parts", detail)
