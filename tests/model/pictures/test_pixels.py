"""Pixels a strip at a time are the same as all at once; and what a file claims, in pixels and in bytes."""

import numpy as np
import pytest
from PIL import Image

from model.pictures import pixels
from model.pictures.claims import claimed_bytes, claimed_pixels
from model.pictures.pixels import eight_bit, shrunk
from tests.kit.pictures import encoded, photo

SIZES = [(37, 53), (64, 64), (301, 7), (5, 400)]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_STRIP", 100)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shortest", [1, 2, 3, 10])
def test_strips_are_reduced_like_the_whole(size: tuple[int, int], shortest: int) -> None:
    image = photo(*size)
    image.putalpha(Image.effect_noise(size, 90))
    factor = min(size) // (2 * shortest)
    expected = image.reduce(factor) if factor > 1 else image
    found = shrunk(image, shortest)
    assert found.size == expected.size
    assert np.array_equal(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize("size", SIZES)
def test_deep_grey_is_scaled_by_the_range_of_the_whole(size: tuple[int, int]) -> None:
    ramp = np.linspace(-3, 1000, size[0] * size[1], dtype=np.float32).reshape(size[1], size[0])
    found = np.asarray(eight_bit(Image.fromarray(ramp)))
    assert np.array_equal(found, ((ramp + 3) * (255 / 1003)).clip(0, 255).astype(np.uint8))
    deep = (ramp + 3).astype(np.uint16) * 60
    assert np.array_equal(np.asarray(eight_bit(Image.fromarray(deep))), (deep >> 8).astype(np.uint8))


def test_no_step_copies_more_than_a_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reducing RGBA weighs its colours in a copy, and deep grey goes through arrays of floats."""
    seen: list[int] = []
    reduce, asarray = Image.Image.reduce, np.asarray

    def watched(image: Image.Image, *given: object) -> Image.Image:
        seen.append(image.width * image.height)
        return reduce(image, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "reduce", watched)
    shrunk(Image.new("RGBA", (200, 100)), 10)
    assert max(seen) == 200 * 5
    seen.clear()
    monkeypatch.setattr(
        pixels.np, "asarray", lambda image: seen.append(image.width * image.height) or asarray(image)
    )
    eight_bit(Image.new("F", (50, 100)))
    assert max(seen) == 100


@pytest.mark.parametrize(
    ("kind", "each"), [("JPEG", 6), ("PNG", 6), ("WEBP", 16), ("AVIF", 12), ("HEIF", 12)]
)
def test_memory_is_given_out_by_what_a_format_takes(kind: str, each: int) -> None:
    data = encoded(photo(320, 200), kind)
    assert claimed_pixels(data) == 320 * 200
    assert claimed_bytes(data) == 320 * 200 * each
