"""Scenes hold the thing, between a ninth and a half of them; close views show a quarter or more."""

import numpy as np

from model.training.variations.scenes import closer, composed

RED, BLUE = (np.full((90, 90, 3), tone, dtype=np.uint8) for tone in ((220, 20, 20), (20, 20, 220)))


def test_the_thing_has_its_share_of_the_scene() -> None:
    shares = []
    for seed in range(60):
        scene = composed(RED, lambda: BLUE, np.random.default_rng(seed))
        assert scene.shape == RED.shape
        shares.append(float((scene[..., 0] > 128).mean()))
    # Soft edges take a little of it.
    assert 0.06 < min(shares) < 0.16
    assert 0.4 < max(shares) < 0.56


def test_what_is_beside_it_does_not_hide_it() -> None:
    tones = iter(range(0, 200, 2))

    def another() -> np.ndarray:
        return np.full((90, 90, 3), next(tones), dtype=np.uint8)

    for seed in range(40):
        scene = composed(RED, another, np.random.default_rng(seed))
        assert (scene[..., 0].astype(int) - scene[..., 1] > 100).mean() > 0.06


def test_a_close_view_is_a_part() -> None:
    ramp = np.tile(np.arange(90, dtype=np.uint8) * 2, (90, 1))
    pixels = np.stack([ramp, ramp.T, ramp], axis=-1)
    for seed in range(40):
        near = closer(pixels, np.random.default_rng(seed))
        across, down = (int(np.ptp(near[..., channel])) / 178 for channel in (0, 1))
        assert 0.2 < across * down < 0.95
