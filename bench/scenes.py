"""Composed scenes: photos of things on other photos, at a ninth to half of the area, kept as files from run to run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from model.data.datasets import Record
from model.data.loading import load_image
from model.modality import Pixels
from model.pictures.preprocess import photo_pixels
from model.training.variations.scenes import composed

_SIDE = 320


def scenes(photos: Sequence[Record], others: Sequence[Record], folder: Path) -> tuple[Record, ...]:
    """A scene with each of the photos, on some of the others; always the same."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, photo in enumerate(photos):
        file = folder / f"{number:05d} {photo.path.stem}.jpg"
        if not file.exists():
            Image.fromarray(_made(photo, others, np.random.default_rng([17, number]))).save(file, quality=92)
        made.append(Record(file, photo.modality, photo.label))
    return tuple(made)


def _made(photo: Record, others: Sequence[Record], chance: np.random.Generator) -> Pixels:
    return composed(_square(photo), lambda: _square(others[int(chance.integers(len(others)))]), chance)


def _square(photo: Record) -> Pixels:
    return photo_pixels(load_image(photo, shortest=_SIDE), _SIDE)
