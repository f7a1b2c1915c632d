"""Drawings made of photos: what is drawn, and that each cell is known to come from where it does."""

import numpy as np
from PIL import Image, ImageDraw

from model.training.parts.pseudo import pseudo

SIZE, SIDE = 224, 14


def test_lines_come_from_the_edges_that_their_places_name() -> None:
    photo = Image.new("L", (448, 448), 230)
    # One corner of a black square in the middle; the other edges lie outside the picture.
    ImageDraw.Draw(photo).rectangle((180, 200, 900, 900), fill=10)
    drawn = 0
    for seed in range(12):
        found = pseudo(photo.convert("RGB"), SIZE, SIDE, np.random.default_rng(seed))
        assert found.pixels.shape == (SIZE, SIZE, 3)
        assert found.places.shape == (SIDE, SIDE, 2)
        step = SIZE // SIDE
        ink = 255 - found.pixels[..., 0].reshape(SIDE, step, SIDE, step).mean(axis=(1, 3))
        x, y = found.places[ink > 20].T
        drawn += len(x)
        away = np.minimum(np.abs(x - 180 / 448), np.abs(y - 200 / 448))
        # The place is that of the cell's centre: the edge is no further than half a cell and the width of a line.
        assert away.max() < 1.6 / SIDE
        # Neither edge goes on beyond the corner.
        assert ((x > 180 / 448 - 1.6 / SIDE) & (y > 200 / 448 - 1.6 / SIDE)).all()
    assert drawn > 100


def test_a_photo_without_edges_gives_a_blank_sheet_and_no_places() -> None:
    found = pseudo(Image.new("RGB", (300, 200), (90, 90, 90)), SIZE, SIDE, np.random.default_rng(0))
    assert (found.pixels == 255).all()
    assert np.isnan(found.places).all()


def test_the_same_dice_draw_the_same() -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8))
    one, other = (pseudo(photo, 64, 4, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.places, other.places, equal_nan=True)
