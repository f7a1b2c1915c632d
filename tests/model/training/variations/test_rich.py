"""Rich variations are prepared pictures, and depend on their random numbers alone."""

from collections.abc import Callable

import numpy as np
import pytest

from model.modality import Pixels
from model.pictures.preprocess import photo_pixels, sketch_pixels
from model.pictures.preprocessing import STANDARD
from model.training.variations.rich import rich_photo, rich_sketch
from tests.kit.training import picture

DRAWN = sketch_pixels(picture("box", 0, photo=False), 64)
TAKEN, OTHER = (photo_pixels(picture("ball", number, photo=True), 64) for number in (0, 1))


def sketch(seed: int) -> Pixels:
    return rich_sketch(DRAWN, 64, STANDARD, np.random.default_rng(seed))


def photo(seed: int) -> Pixels:
    return rich_photo(TAKEN, lambda: OTHER, np.random.default_rng(seed))


@pytest.mark.parametrize("make", [sketch, photo])
def test_each_is_another_picture_of_the_same_size(make: Callable[[int], Pixels]) -> None:
    made = [make(seed) for seed in range(25)]
    assert all(one.shape == (64, 64, 3) and one.dtype == np.uint8 for one in made)
    assert len({one.tobytes() for one in made}) == 25
    assert np.array_equal(make(7), made[7])


def test_drawings_stay_dark_lines_on_white() -> None:
    for seed in range(40):
        made = sketch(seed)
        assert np.median(made) == 255
        assert (made < 128).any()
