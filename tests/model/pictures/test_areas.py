"""Which area of a picture its prepared square shows: a stroke at a known place is found there again."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.pictures.areas import WHOLE, Box
from model.pictures.preprocess import STANDARD, photo_area, photo_pixels, placed_sketch, sketch_pixels

SIZE = 224


def test_a_box_in_an_area_and_back() -> None:
    area = Box(-0.1, 0.2, 0.5, 0.4)
    assert area.outside(WHOLE) == area
    inner = area.outside(Box(0.5, 0.5, 0.5, 0.5))
    assert (inner.x, inner.y, inner.width, inner.height) == pytest.approx((0.15, 0.4, 0.25, 0.2))
    inside = area.within()
    assert (inside.x, inside.y, inside.width, inside.height) == pytest.approx((0, 0.2, 0.4, 0.4))
    assert Box(1.2, 1.2, 1, 1).within() == Box(1, 1, 0, 0)


def sheet(
    width: int, height: int, stroke: tuple[float, float, float, float], mode: str = "RGB"
) -> Image.Image:
    """A sheet with a line between two places, given as shares."""
    paper = (0, 0, 0, 0) if mode == "RGBA" else "white"
    image = Image.new(mode, (width, height), paper)
    left, top, right, bottom = stroke
    ends = (left * width, top * height, right * width, bottom * height)
    ImageDraw.Draw(image).line(ends, fill="black", width=max(2, max(width, height) // 100))
    return image


def ink_box(pixels: np.ndarray, area: Box) -> tuple[float, float, float, float]:
    """Where the ink of a prepared drawing is in the whole drawing: left, top, right, bottom."""
    rows, columns = np.nonzero(pixels.mean(axis=2) < 128)
    box = Box.between(
        columns.min() / SIZE, rows.min() / SIZE, (columns.max() + 1) / SIZE, (rows.max() + 1) / SIZE
    )
    found = area.outside(box)
    return found.x, found.y, found.x + found.width, found.y + found.height


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(
    ("size", "stroke"),
    [
        ((512, 512), (0.2, 0.3, 0.7, 0.6)),
        ((900, 400), (0.6, 0.5, 0.9, 0.7)),
        ((400, 1300), (0.1, 0.8, 0.5, 0.95)),
        # So small on so large a sheet that it is cut from the original again.
        ((3000, 2000), (0.7, 0.2, 0.75, 0.27)),
        ((3001, 1999), (0.02, 0.9, 0.08, 0.97)),
    ],
)
def test_a_stroke_is_where_it_was_drawn(
    size: tuple[int, int], stroke: tuple[float, float, float, float], mode: str
) -> None:
    image = sheet(*size, stroke, mode)
    pixels, area = placed_sketch(image, SIZE)
    assert np.array_equal(pixels, sketch_pixels(image, SIZE))
    assert ink_box(pixels, area) == pytest.approx(stroke, abs=0.025)


def test_a_photograph_as_a_drawing_is_padded_and_its_area_extends_beyond_it() -> None:
    noise = Image.effect_noise((600, 300), 90).convert("RGB")
    noise.paste((200, 30, 30), (450, 0, 600, 150))
    pixels, area = placed_sketch(noise, SIZE)
    assert (area.x, area.width) == (0, 1)
    assert (area.y, area.height) == pytest.approx((-0.5, 2.0), abs=0.01)
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 60)
    rows, columns = np.nonzero(red)
    box = area.outside(Box.between(columns.min() / SIZE, rows.min() / SIZE, 1, (rows.max() + 1) / SIZE))
    assert (box.x, box.y, box.height) == pytest.approx((0.75, 0, 0.5), abs=0.02)


@pytest.mark.parametrize("how", ["squash", "shortest", "longest"])
@pytest.mark.parametrize("size", [(640, 320), (301, 700)])
def test_a_mark_in_a_photo_is_where_it_was(how: str, size: tuple[int, int]) -> None:
    prepared = replace(STANDARD, photo=how, crop_share=0.9 if how == "shortest" else 1.0)
    width, height = size
    mark = (0.45, 0.42, 0.6, 0.55)
    photo = Image.new("RGB", size, (20, 20, 20))
    photo.paste(
        (240, 30, 30),
        (round(mark[0] * width), round(mark[1] * height), round(mark[2] * width), round(mark[3] * height)),
    )
    pixels, area = photo_pixels(photo, SIZE, prepared), photo_area(photo, SIZE, prepared)
    rows, columns = np.nonzero(pixels[..., 0] > 128)
    box = Box.between(
        columns.min() / SIZE, rows.min() / SIZE, (columns.max() + 1) / SIZE, (rows.max() + 1) / SIZE
    )
    found = area.outside(box)
    edges = (found.x, found.y, found.x + found.width, found.y + found.height)
    assert edges == pytest.approx(mark, abs=0.02)
