"""A drawing that is drawn once more is another, of the same thing."""

import numpy as np
from PIL import Image, ImageDraw

from model.training.variations.pen import redrawn


def house(width: int = 3) -> np.ndarray:
    image = Image.new("RGB", (224, 224), "white")
    draw = ImageDraw.Draw(image)
    draw.line((40, 110, 112, 40, 184, 110), fill="black", width=width)
    draw.line((55, 100, 55, 190, 170, 190, 170, 100), fill="black", width=width)
    draw.line((100, 190, 100, 140, 130, 140, 130, 190), fill="black", width=width)
    return np.asarray(image)


def reach(one: np.ndarray, other: np.ndarray, far: int) -> float:
    """The share of one's ink that is within so many pixels of the other's."""
    rows, columns = np.nonzero(other)
    near = np.zeros_like(other)
    for dy in range(-far, far + 1):
        for dx in range(-far, far + 1):
            near[(rows + dy).clip(0, len(other) - 1), (columns + dx).clip(0, len(other) - 1)] = True
    return float((one & near).sum() / one.sum())


def test_it_is_near_what_it_was_and_never_the_same() -> None:
    ink = house()[..., 0] < 128
    seen = set()
    for seed in range(30):
        made = redrawn(house(), np.random.default_rng(seed))
        assert made is not None
        assert made.size == (224, 224)
        again = np.asarray(made) < 128
        assert reach(again, ink, 12) > 0.9
        # Strokes may be left out, never most of them.
        assert reach(ink, again, 12) > 0.5
        seen.add(made.tobytes())
    assert len(seen) == 30


def test_pens_differ() -> None:
    darkness = [
        np.mean(255 - np.asarray(redrawn(house(), np.random.default_rng(seed)))) for seed in range(30)
    ]
    assert max(darkness) > 2 * min(darkness)


def test_it_depends_on_its_random_numbers_alone() -> None:
    made = [redrawn(house(), np.random.default_rng(seed)) for seed in (4, 4)]
    assert made[0] is not None
    assert made[0].tobytes() == made[1].tobytes()  # type: ignore[union-attr]


def test_surfaces_and_blank_sheets_have_no_lines() -> None:
    full = np.full((224, 224, 3), 255, dtype=np.uint8)
    assert redrawn(full, np.random.default_rng(0)) is None
    full[30:190, 30:190] = 0
    assert redrawn(full, np.random.default_rng(0)) is None
