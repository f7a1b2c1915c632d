"""Lines are thinned to one pixel, whatever their width, and followed in order."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.training.variations.tracing import strokes, thinned


def drawn(width: int, *lines: tuple[int, int, int, int], side: int = 60) -> np.ndarray:
    image = Image.new("L", (side, side), 0)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=255, width=width)
    return np.asarray(image) > 127


@pytest.mark.parametrize("width", [1, 3, 6, 9])
def test_a_line_is_one_stroke_from_end_to_end_whatever_its_width(width: int) -> None:
    (found,) = strokes(drawn(width, (10, 30, 50, 30)))
    assert np.all(np.abs(found[:, 1] - 30) <= 1)
    assert sorted(found[[0, -1], 0]) == pytest.approx([10, 50], abs=width / 2 + 1)
    assert np.all(np.abs(np.diff(found[:, 0])) == 1)


def test_where_lines_cross_the_straightest_way_goes_on() -> None:
    found = sorted(strokes(drawn(3, (5, 30, 55, 30), (30, 5, 30, 55))), key=len)
    assert len(found[-1]) >= 48
    longest = found[-1]
    assert min(np.ptp(longest[:, 0]), np.ptp(longest[:, 1])) <= 3


def test_a_ring_is_followed_all_round() -> None:
    image = Image.new("L", (60, 60), 0)
    ImageDraw.Draw(image).ellipse((10, 10, 50, 50), outline=255, width=4)
    found = max(strokes(np.asarray(image) > 127), key=len)
    assert len(found) > 90
    assert np.hypot(*(found[0] - found[-1])) < 4


def test_thin_lines_touch_what_they_touched_before() -> None:
    thick = drawn(7, (10, 10, 50, 50), (50, 10, 10, 50))
    thin = thinned(thick)
    assert not (thin & ~thick).any()
    assert thin.sum() < thick.sum() / 4
    assert np.array_equal(thinned(thin), thin)


def test_nothing_has_no_strokes() -> None:
    assert strokes(np.zeros((20, 20), dtype=bool)) == []
