"""Pseudo-sketches: lines where a photo has edges, paper elsewhere."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from model.training.edges import Pen, edge_map, pseudo_sketch


def disc(colour: str = "darkred", ground: str = "lightblue") -> Image.Image:
    image = Image.new("RGB", (96, 80), ground)
    ImageDraw.Draw(image).ellipse((24, 16, 72, 64), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(1))


def test_the_outline_of_a_disc_is_drawn_and_nothing_else() -> None:
    edges = edge_map(disc(), Pen())
    rows, columns = np.nonzero(edges)
    distance = np.hypot(columns - 48, rows - 40)
    assert len(rows) > 100
    assert float(np.abs(distance - 24).max()) < 3
    # All the way round, not only where the outline is steep.
    angles = np.arctan2(rows - 40, columns - 48)
    assert len(np.unique(np.round(angles / (np.pi / 12)))) >= 24


def test_a_pseudo_sketch_is_dark_ink_on_white_of_the_same_size() -> None:
    sketch = pseudo_sketch(disc())
    grey = np.asarray(sketch.convert("L"))
    assert (sketch.mode, sketch.size) == ("RGB", (96, 80))
    assert grey[0, 0] == 255
    assert grey.min() < 60
    assert 0.02 < float((grey < 128).mean()) < 0.3


def test_a_blank_photo_gives_a_blank_sheet() -> None:
    assert np.asarray(pseudo_sketch(Image.new("RGB", (64, 64), "grey"))).min() == 255


def test_a_faint_photo_gives_lines_too() -> None:
    faint = disc("#90a0a0", "#a8b8b8")
    assert edge_map(faint, Pen()).sum() > 100


def test_styles_differ_and_repeat_with_their_seed() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC)
    drawn = [np.asarray(pseudo_sketch(photo, np.random.default_rng(seed))) for seed in (1, 1, 2, 3)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[2], drawn[3])


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (300, 3)])
def test_tiny_and_narrow_photos_do_not_break_it(size: tuple[int, int]) -> None:
    assert pseudo_sketch(Image.new("RGB", size, "white")).size == size
