"""Variations stay pictures of the same kind and depend on their random numbers alone."""

import numpy as np
import pytest

from model.pictures.preprocess import photo_pixels, sketch_pixels
from model.training.variations.light import varied_photo, varied_sketch
from tests.kit.training import picture

DRAWN = sketch_pixels(picture("box", 0, photo=False), 64)
TAKEN = photo_pixels(picture("ball", 0, photo=True), 64)


@pytest.mark.parametrize(("vary", "pixels"), [(varied_sketch, DRAWN), (varied_photo, TAKEN)])
def test_variations_repeat_by_seed_and_differ_between_seeds(vary: object, pixels: np.ndarray) -> None:
    assert callable(vary)
    made = [vary(pixels, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert all(one.shape == pixels.shape and one.dtype == np.uint8 for one in made)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_a_varied_drawing_is_still_lines_on_white() -> None:
    for seed in range(20):
        varied = varied_sketch(DRAWN, np.random.default_rng(seed))
        assert np.median(varied) == 255
        assert 0.005 < (varied < 128).mean() < 0.4
        assert np.array_equal(varied[..., 0], varied[..., 2])


def test_a_varied_photo_keeps_the_whole_range_of_its_subject() -> None:
    varied = [varied_photo(TAKEN, np.random.default_rng(seed)) for seed in range(20)]
    assert all(one.std() > 15 for one in varied)
    assert len({one.tobytes() for one in varied}) == 20
