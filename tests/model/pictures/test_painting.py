"""Strokes to pixels, measured where geometry says what they must be; tests/service/web compares with the page."""

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import EmptyDrawing
from model.pictures.painting import painted
from model.pictures.strokes import read


def ink(*strokes: dict[str, Any]) -> NDArray[np.float64]:
    """How much of each pixel is ink, from 0 to 1: [y, x]."""
    image = painted(read(json.dumps(strokes)))
    assert (image.mode, image.size) == ("L", (512, 512))
    shares: NDArray[np.float64] = 1 - np.asarray(image) / 255
    return shares


def line(*points: tuple[float, ...], **more: Any) -> dict[str, Any]:
    return {"width": 8, "points": points, **more}


def test_a_dot_is_a_disc() -> None:
    shares = ink(line((100, 200)))
    assert shares.sum() == pytest.approx(math.pi * 16, rel=0.02)
    assert shares[200, 100] == 1
    assert not shares[:195].any()
    assert not shares[205:].any()


def test_a_line_has_its_width_its_length_and_round_ends() -> None:
    for points in ([(100, 100), (300, 100)], [(100, 100), (100, 300)], [(100, 100), (220, 260)]):
        assert ink(line(*points)).sum() == pytest.approx(200 * 8 + math.pi * 16, rel=0.01)


def test_edges_are_soft_between_pixels() -> None:
    assert ink(line((100, 100), (300, 100), width=7))[96, 200] == pytest.approx(0.5, abs=0.01)


def test_joints_have_no_gaps_and_a_line_over_itself_is_no_darker() -> None:
    turns = [(256 + 100 * math.cos(t), 256 + 100 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 30)]
    assert ink(line(*turns)).sum() == pytest.approx(2 * math.pi * 100 * 8, rel=0.02)
    once, twice = ink(line((100, 130), (300, 100))), ink(line((100, 130), (300, 100), (100, 130)))
    assert np.abs(once - twice).max() < 0.01


def test_corners_stay_corners_and_curves_are_round() -> None:
    sharp = ink(line((100, 300), (200, 100), (300, 300)))
    assert sharp[100, 200] == 1
    assert sharp[200, 150] == 1
    turns = [(256 + 100 * math.cos(t), 256 + 100 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 20)]
    bow = ink(line(*turns))
    middle = (np.linspace(0, 2 * math.pi, 20)[:-1] + math.pi / 19)[3:-3]
    off = [bow[int(256 + 100 * math.sin(t)), int(256 + 100 * math.cos(t))] for t in middle]
    assert min(off) == 1


def test_pressure_widens_a_line() -> None:
    shares = ink(line((100, 100, 0.5), (400, 100, 2.0)))
    thin, thick = shares[:, 110].sum(), shares[:, 390].sum()
    assert thin == pytest.approx(8 * 0.55, abs=0.5)
    assert thick == pytest.approx(8 * 1.95, abs=0.5)


def test_an_eraser_removes_what_is_below_it_and_not_what_comes_later() -> None:
    shares = ink(
        line((100, 100), (400, 100)),
        line((200, 50), (200, 150), width=40, erase=True),
        line((200, 100), (205, 100)),
    )
    assert shares[100, 150] == 1
    assert not shares[100, 185]
    assert shares[100, 200] == 1


def test_without_lines_there_is_no_drawing() -> None:
    for strokes in ([], [line((1, 1), erase=True)]):
        with pytest.raises(EmptyDrawing, match="draw at least one line"):
            ink(*strokes)


def test_an_eraser_may_come_first_and_the_paper_may_be_left() -> None:
    assert ink(line((9, 9), erase=True), line((-2000, 256), (2000, 256)))[256].min() == 1
    assert not ink(line((-500, 0), (-500, 500)), line((600, 700), (2048, 2048))).any()


def test_the_widest_pen_covers_the_paper() -> None:
    assert ink(line((256, 256, 4), (257, 256, 4), width=256)).min() == 1


def test_thousands_of_points_make_one_drawing() -> None:
    chance = np.random.default_rng(1)
    points = (256 + np.cumsum(chance.normal(0, 2, (5000, 2)), axis=0)).clip(0, 512).round(1).tolist()
    whole = ink(line(*points))
    halves = np.maximum(ink(line(*points[:2501])), ink(line(*points[2500:])))
    assert np.abs(whole - halves).mean() < 0.002
