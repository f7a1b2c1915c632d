"""A photographed sheet still shows its drawing to what prepares users' drawings."""

import numpy as np
from PIL import Image, ImageDraw

from model.pictures.preprocess import sketch_pixels
from model.training.variations.sheets import on_paper, perspective, slanted


def star() -> Image.Image:
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).line((100, 20, 150, 180, 20, 80, 180, 80, 50, 180, 100, 20), fill=0, width=4)
    return image


def test_the_drawing_is_found_on_nearly_every_sheet() -> None:
    ink = []
    for seed in range(25):
        sheet = on_paper(star(), np.random.default_rng(seed))
        assert sheet.mode == "RGB"
        seen = sketch_pixels(sheet, 112)
        ink.append(float((seen < 128).mean()))
    plain = float((sketch_pixels(star().convert("RGB"), 112) < 128).mean())
    assert np.median(ink) > 0.3 * plain
    assert sum(0.1 * plain < share < 4 * plain for share in ink) >= 23


def test_sheets_differ_and_repeat_by_seed() -> None:
    made = [on_paper(star(), np.random.default_rng(seed)).tobytes() for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_paper_goes_on_where_a_slanted_one_ends() -> None:
    seen = np.asarray(slanted(star(), np.random.default_rng(3)))
    assert set(np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]).tolist()) == {255}
    assert (seen < 128).any()


def test_a_perspective_maps_corner_to_corner() -> None:
    to = np.array([(0, 0), (10, 1), (9, 8), (-1, 10)], dtype=np.float64)
    source = np.array([(0, 0), (20, 0), (20, 20), (0, 20)], dtype=np.float64)
    a, b, c, d, e, f, g, h = perspective(to, source)
    for (x, y), (u, v) in zip(to, source, strict=True):
        below = g * x + h * y + 1
        assert np.allclose([(a * x + b * y + c) / below, (d * x + e * y + f) / below], [u, v])
