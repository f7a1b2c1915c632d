"""The pictures that training shows: photos and drawings as they are, mirrored, jittered, and drawings made of photos.

Each depends only on its record, its kind, and the seed.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from model.data.datasets import Record
from model.data.loading import load_image
from model.errors import EmptyDrawing
from model.modality import Pixels
from model.pictures.preprocess import photo_pixels, shortest_for, sketch_pixels
from model.pictures.preprocessing import Preprocessing
from model.training.parts.pseudo import pseudo

# A drawing that is shown a second time: turned by so many degrees, stretched by so much.
_TURN, _STRETCH = 10, (0.85, 1.1)


class Kind(StrEnum):
    PHOTO = "photo"
    SKETCH = "sketch"
    PSEUDO = "pseudo"


@dataclass(frozen=True)
class Shown:
    """Prepared pixels and, where it is known, the place in the photo that each cell of a drawing comes from."""

    pixels: Pixels
    # (side, side, 2), NaN where it is not known.
    places: NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """A record as it is shown. A mirrored drawing is also jittered, as another hand would have drawn it."""

    record: Record
    kind: Kind
    mirrored: bool
    seed: int

    def shown(self, size: int, side: int, how: Preprocessing) -> Shown:
        """Prepare it for a tower of that size, with a grid of `side` x `side` cells."""
        unknown = np.full((side, side, 2), np.nan, dtype=np.float32)
        if self.kind == Kind.SKETCH:
            return Shown(self._drawing(size, how), unknown)
        double = self.kind == Kind.PSEUDO
        image = load_image(self.record, shortest=size * 2 if double else shortest_for(size, how))
        image = ImageOps.mirror(image) if self.mirrored else image
        if not double:
            return Shown(photo_pixels(image, size, how), unknown)
        # Drawn from what the tower sees of the photo, so that places are places there.
        seen = Image.fromarray(photo_pixels(image, 2 * size, how))
        drawn = pseudo(seen, size, side, self._dice())
        return Shown(drawn.pixels, drawn.places.astype(np.float32))

    def _drawing(self, size: int, how: Preprocessing) -> Pixels:
        image = load_image(self.record)
        if not self.mirrored:
            return sketch_pixels(image, size, how)
        try:
            return sketch_pixels(_jittered(image, self._dice()), size, how)
        except EmptyDrawing:
            # Its thin lines did not survive.
            return sketch_pixels(ImageOps.mirror(image), size, how)

    def _dice(self) -> np.random.Generator:
        return np.random.default_rng([*hashlib.sha256(str(self._identity).encode()).digest()])

    @property
    def _identity(self) -> tuple[object, ...]:
        record = self.record
        return (
            self.seed,
            self.kind.value,
            self.mirrored,
            record.set,
            record.label,
            record.path.name,
            record.note,
        )


def _jittered(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image = ImageOps.mirror(image)
    angle = rng.uniform(-_TURN, _TURN)
    width, height = (
        max(8, int(side * by)) for side, by in zip(image.size, rng.uniform(*_STRETCH, 2), strict=True)
    )
    paper = (255, 255, 255, 0)[: len(image.getbands())]
    return image.resize((width, height)).rotate(
        angle, resample=Image.Resampling.BILINEAR, expand=True, fillcolor=paper
    )
