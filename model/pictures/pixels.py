"""Convert pixels to eight bits and shrink them, strip by strip: a copy of a whole picture of 200
megapixels takes 800 MB, and each step would make one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Pixels in a strip.
_STRIP = 2**20


def eight_bit(image: Image.Image) -> Image.Image:
    """Convert any picture to one of the modes L, RGB, RGBA, or CMYK."""
    if image.mode in ("L", "RGB", "RGBA", "CMYK") and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return _from_deep_grey(image)
    if image.has_transparency_data:
        # La must become LA first: only that can become RGBA.
        return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def shrunk(image: Image.Image, shortest: int | None) -> Image.Image:
    """Shrink by a whole factor that keeps the shorter side at least twice `shortest`."""
    factor = min(image.size) // (2 * shortest) if shortest else 1
    if factor <= 1:
        return image
    if image.mode != "RGBA":
        return image.reduce(factor)
    # Pillow premultiplies alpha in a copy of everything it is given.
    size = (-(-image.width // factor), -(-image.height // factor))
    small = Image.new("RGBA", size)
    for top, strip in _strips(image, factor):
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def _strips(image: Image.Image, multiple: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Strips of the picture, full width, and where they start: at multiples of so many rows."""
    rows = max(1, _STRIP // (image.width * multiple)) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Convert 16-bit, 32-bit and floating-point grey to 8 bits, scaled by its nominal range, never clipped."""
    grey = Image.new("L", image.size)
    if image.mode.startswith("I;16"):
        for top, strip in _strips(image):
            grey.paste(Image.fromarray((np.asarray(strip).astype(np.uint16) >> 8).astype(np.uint8)), (0, top))
        return grey
    extremes = [(part.min(), part.max()) for _, strip in _strips(image) for part in (_finite(strip),)]
    low = min(0.0, *(float(least) for least, _ in extremes))
    high = max(float(most) for _, most in extremes)
    white = next((limit for limit in (1.0, 255.0, 65535.0) if low >= 0 and high <= limit), high)
    for top, strip in _strips(image):
        scaled = (_finite(strip) - low) * (255.0 / max(white - low, 1e-6))
        grey.paste(Image.fromarray(scaled.clip(0, 255).astype(np.uint8)), (0, top))
    return grey


def _finite(image: Image.Image) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(image).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
