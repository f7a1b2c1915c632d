"""The pictures that training shows, and their maps, kept on disk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from model.data.datasets import PHOTO, SKETCH, Record
from model.modality import Pixels
from model.pictures.preprocessing import STANDARD
from model.training.parts.maps import mapped
from model.training.parts.showing import Kind, Picture


class Channels:
    """In place of a tower: the picture itself on two grids."""

    size, how, reads, digest = 64, STANDARD, (0, 1), "channels"

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pixels: list[Pixels]) -> dict[int, torch.Tensor]:
        self.seen += len(pixels)
        values = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float()
        return {0: values[:, :, ::8, ::8], 1: values[:, :, ::16, ::16]}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    """A photo, dark on its left, and a drawing of a line on the left with a dot on the right."""
    photo, drawing = Image.new("RGB", (90, 80), "white"), Image.new("RGBA", (90, 80), (0, 0, 0, 0))
    ImageDraw.Draw(photo).rectangle((0, 0, 40, 80), fill="black")
    pen = ImageDraw.Draw(drawing)
    pen.line((10, 5, 10, 75), fill="black", width=4)
    pen.ellipse((76, 36, 84, 44), fill="black")
    photo.save(tmp_path / "photo.png")
    drawing.save(tmp_path / "drawing.png")
    shown = Record(tmp_path / "photo.png", PHOTO, "wall")
    drawn = Record(tmp_path / "drawing.png", SKETCH, "wall")
    return [
        Picture(record, kind, mirrored, 0)
        for record, kind in ((shown, Kind.PHOTO), (drawn, Kind.SKETCH), (shown, Kind.PSEUDO))
        for mirrored in (False, True)
    ]


def test_mirrored_pictures_show_the_other_side(pictures: list[Picture]) -> None:
    shown = [each.shown(64, 4, STANDARD) for each in pictures]
    left = [255 - float(each.pixels[:, :32].mean()) for each in shown[:4]]
    right = [255 - float(each.pixels[:, 32:].mean()) for each in shown[:4]]
    assert [one > 2 * other for one, other in zip(left, right, strict=True)] == [True, False, True, False]
    assert [one < other / 2 for one, other in zip(left, right, strict=True)] == [False, True, False, True]
    assert all(np.isnan(each.places).all() for each in shown[:4])


def test_drawings_made_of_photos_know_where_the_edge_was(pictures: list[Picture]) -> None:
    for each, edge in zip(pictures[4:], (41 / 90, 49 / 90), strict=True):
        found = each.shown(64, 4, STANDARD)
        ink = 255 - found.pixels[..., 0].reshape(4, 16, 4, 16).mean(axis=(1, 3))
        assert ink.max() > 20
        # A cell of the drawing is at most a third of the photo wide.
        assert np.abs(found.places[ink > 20][:, 0] - edge).max() < 0.25


def test_maps_are_computed_once_for_the_same_pictures(pictures: list[Picture], tmp_path: Path) -> None:
    folder, tower = tmp_path / "maps", Channels()
    first = mapped(pictures, tower, 4, folder)  # type: ignore[arg-type]
    again = mapped(pictures, tower, 4, folder)  # type: ignore[arg-type]
    assert tower.seen == len(pictures)
    rows = np.array([3, 0])
    for stage, values in again(rows).items():
        assert values.shape == (2, 3, 8 // (1 + stage), 8 // (1 + stage))
        assert values.is_contiguous(memory_format=torch.channels_last)
        wanted = tower([pictures[row].shown(64, 4, STANDARD).pixels for row in rows])[stage]
        assert torch.equal(values, wanted)
    assert np.array_equal(first.places, again.places, equal_nan=True)
    # The drawing's line is in the first column of cells, and the next one is blank.
    assert again.ink[2, :, 0].max() > 20 > 1 > again.ink[2, :, 1].max()
    before = tower.seen
    mapped(pictures[:3], tower, 4, folder)  # type: ignore[arg-type]
    assert tower.seen == before + 3
