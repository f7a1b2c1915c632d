"""Explanations as pictures: the collage has the photo's pixels in the right cells, and the sheet shows every pair."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.evaluation.explained import Explained, PairPicture, collage, match_sheet


def told(match: Sequence[int], inked: Sequence[bool], cells: int = 4) -> Explained:
    def without(sets: Sequence[Collection[int]]) -> NDArray[np.float32]:
        return np.array([1 - 0.1 * len(each) for each in sets], dtype=np.float32)

    ones = np.ones(len(match), dtype=np.float32)
    side = round(cells**0.5)
    map_ = np.linspace(0, 1, cells, dtype=np.float32).reshape(side, side)
    return Explained(
        1.0, np.array(match), ones, ones, ones[:1].repeat(cells), np.array(inked), (None, map_), without
    )


def quarters() -> NDArray[np.uint8]:
    """Red and green above blue and yellow."""
    photo = np.zeros((64, 64, 3), dtype=np.uint8)
    photo[:32, :32], photo[:32, 32:] = (255, 0, 0), (0, 255, 0)
    photo[32:, :32], photo[32:, 32:] = (0, 0, 255), (255, 255, 0)
    return photo


def test_a_collage_fills_inked_cells_with_their_matches() -> None:
    made = collage(quarters(), told([3, 0, 2, 1], [True, True, False, True]))
    assert made.shape == (64, 64, 3)
    corners = [tuple(made[y, x]) for y, x in ((10, 10), (10, 50), (50, 10), (50, 50))]
    assert corners == [(255, 255, 0), (255, 0, 0), (255, 255, 255), (0, 255, 0)]


def test_grids_of_different_sizes() -> None:
    made = collage(quarters(), told([5] * 4, [True] * 4, cells=16))
    assert (made == (255, 0, 0)).all()


def test_a_sheet_has_a_line_for_each_pair(tmp_path: Path) -> None:
    sketch = np.full((64, 64, 3), 255, dtype=np.uint8)
    sketch[20:24] = 0
    line = PairPicture(sketch, quarters(), told([3, 0, 2, 1], [True] * 4), "cup, its own: score 1.000")
    heights = []
    for count in (1, 3):
        match_sheet([line] * count, tmp_path / f"{count}.png")
        with Image.open(tmp_path / f"{count}.png") as sheet:
            heights.append(sheet.height)
            assert len(sheet.convert("RGB").getcolors(sheet.width * sheet.height) or []) > 20
    assert heights[1] - heights[0] == 2 * (heights[0] - 26)
