"""Explanations as pictures: patches are where the ink is, and extreme shapes of pictures do no harm."""

import numpy as np
import pytest
from PIL import Image

from model.local.explaining import Explanation, Part, Patch
from model.pictures.areas import WHOLE, Box
from service.explaining.pictures import collage, figure, share_of

CELL = 1 / 14
AREA = Box(0.5, 0.5, 0.5, 0.5)


def explanation(photo: Box, contribution: float = 0.4) -> Explanation:
    """One cell in the top left corner of the area that the model saw."""
    sketch = Box(0.5, 0.5, CELL / 2, CELL / 2)
    grid = np.zeros((14, 14), dtype=np.float32)
    part = Part(sketch, photo.within(), 0.5, contribution, "top left", "middle")
    patch = Patch(sketch, photo, 0.5, contribution, 0)
    return Explanation(contribution, (part,), (patch,), grid, grid, AREA, WHOLE)


def test_a_patch_of_the_photo_is_where_the_ink_was() -> None:
    photo = Image.new("RGB", (280, 140), "blue")
    photo.paste((255, 0, 0), (140, 70, 160, 80))
    shown = np.asarray(collage(explanation(Box(0.5, 0.5, CELL, CELL)), photo, 140))
    assert (shown[1:9, 1:9] == (255, 0, 0)).all()
    assert (shown[10:, 10:] == 255).all()


def test_what_lies_beyond_the_photo_is_left_out() -> None:
    photo = Image.new("RGB", (100, 100), "red")
    assert collage(explanation(Box(-0.5, 0.2, CELL, CELL)), photo).getextrema() == ((255, 255),) * 3
    partly = collage(explanation(Box(-CELL / 2, 0.2, CELL, CELL)), photo)
    assert partly.getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(1, 1), (3000, 10), (10, 3000), (20, 20)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_figure_of_any_pictures(size: tuple[int, int], mode: str) -> None:
    found = explanation(Box(0.5, 0.5, CELL, CELL))
    shown = figure(found, Image.new(mode, size), Image.new("RGB", size))
    assert shown.mode == "RGB"
    assert max(shown.size) < 3000


def test_shares_are_of_what_speaks_for_the_photo() -> None:
    found = explanation(WHOLE)
    assert share_of(found.parts[0], found) == 1
    against = explanation(WHOLE, -0.2)
    assert share_of(against.parts[0], against) == 0
