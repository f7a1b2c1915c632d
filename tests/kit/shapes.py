"""A small world of things: each as a picture with colour, light and background, and as a line drawing of it."""

import functools
import io
import math
import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

Outline = list[tuple[float, float]]


def _star() -> Outline:
    turns = [(0.45 if n % 2 else 1.0, math.pi * (n / 5 - 0.5)) for n in range(10)]
    return [(0.5 + 0.42 * r * math.cos(a), 0.5 + 0.42 * r * math.sin(a)) for r, a in turns]


def _fish() -> Outline:
    top = [(0.1 + 0.6 * t / 20, 0.5 - 0.2 * math.sin(math.pi * t / 20)) for t in range(21)]
    bottom = [(x, 1.0 - y) for x, y in reversed(top)]
    return [*top, (0.92, 0.3), (0.85, 0.5), (0.92, 0.7), *bottom]


def _house() -> Outline:
    return [(0.2, 0.85), (0.2, 0.45), (0.5, 0.15), (0.8, 0.45), (0.8, 0.85)]


def _mug() -> Outline:
    handle = [(0.65 + 0.22 * math.sin(math.pi * t / 12), 0.35 + 0.35 * t / 12) for t in range(13)]
    return [(0.2, 0.2), (0.65, 0.2), *handle, (0.65, 0.85), (0.2, 0.85)]


def _banana() -> Outline:
    outer = [
        (0.5 + 0.42 * math.cos(a), 0.3 + 0.5 * math.sin(a)) for a in (math.pi * t / 20 for t in range(21))
    ]
    inner = [
        (0.5 + 0.36 * math.cos(a), 0.27 + 0.25 * math.sin(a))
        for a in (math.pi * t / 20 for t in range(20, -1, -1))
    ]
    return [*outer, *inner]


THINGS: dict[str, tuple[Callable[[], Outline], tuple[int, int, int]]] = {
    "star": (_star, (240, 200, 40)),
    "fish": (_fish, (70, 130, 200)),
    "house": (_house, (180, 70, 50)),
    "mug": (_mug, (90, 160, 90)),
    "banana": (_banana, (235, 215, 60)),
}


def picture(thing: str, seed: int = 0, size: int = 320) -> Image.Image:
    """A lit, coloured thing before a blurred background; the seed varies place, size and colours."""
    outline, colour = THINGS[thing]
    chance = random.Random(f"{thing} {seed}")
    ground = Image.effect_noise((size // 8, size // 8), 60).resize((size, size)).convert("RGB")
    tint = Image.new("RGB", (size, size), tuple(chance.randrange(90, 230) for _ in range(3)))
    image = Image.blend(tint, ground.filter(ImageFilter.GaussianBlur(6)), 0.25)
    scale, dx, dy = chance.uniform(0.6, 0.95), chance.uniform(0, 0.1), chance.uniform(0, 0.1)
    points = [(size * (scale * x + dx), size * (scale * y + dy)) for x, y in outline()]
    mask = Image.new("L", (size, size))
    ImageDraw.Draw(mask).polygon(points, fill=255)
    light = Image.linear_gradient("L").resize((size, size))
    body = Image.blend(Image.new("RGB", (size, size), colour), light.convert("RGB"), 0.3)
    image.paste(body, mask=mask)
    return image


def drawing(thing: str, size: int = 400) -> Image.Image:
    """The thing in a few lines, as one would draw it."""
    image = Image.new("RGB", (size, size), "white")
    points = [(size * x, size * y) for x, y in THINGS[thing][0]()]
    ImageDraw.Draw(image).line([*points, points[0]], fill="black", width=5, joint="curve")
    return image


def write_library(folder: Path, each: int = 3, *, first: int = 0) -> Path:
    """A folder of photos, one sub-folder for each kind of thing; those with another `first` are other photos."""
    for thing in THINGS:
        (folder / thing).mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + each):
            (folder / thing / f"{thing} {seed}.jpg").write_bytes(_photo(thing, seed))
    return folder


def write_world(folder: Path) -> Path:
    """photos/<thing> and sketches/<thing>: three photos and two drawings of each."""
    write_library(folder / "photos")
    for thing in THINGS:
        (folder / "sketches" / thing).mkdir(parents=True)
        for size in (300, 400):
            drawing(thing, size).save(folder / "sketches" / thing / f"{size}.png")
    return folder


@functools.cache
def _photo(thing: str, seed: int) -> bytes:
    file = io.BytesIO()
    picture(thing, seed).save(file, "JPEG", quality=88)
    return file.getvalue()
