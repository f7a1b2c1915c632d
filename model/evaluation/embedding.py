"""Encode datasets: every picture once, however many tasks use it afterwards."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.data.loading import load_image
from model.errors import BadImage, NoTextTower

Vectors = NDArray[np.float32]
OnProgress = Callable[[int, int], None]

BATCH = 64
# Every large collection has a few blank drawings; more than this share means that something is wrong.
USABLE = 0.99


class Encodes(Protocol):
    """The interface of `model.Encoder` and of anything else to measure: unit vectors in one space."""

    def sketches(self, images: Sequence[Image.Image], /) -> Vectors: ...

    def photos(self, images: Sequence[Image.Image], /) -> Vectors: ...

    def texts(self, texts: Sequence[str], /) -> Vectors: ...


@dataclass(frozen=True)
class Embedded:
    """Records and their vectors, row by row; `texts` has one vector per label, or is empty.

    `distractors` are photos of other things, in the order in which they are mixed into galleries (see distractors.py).
    """

    data: Dataset
    vectors: Vectors
    texts: Mapping[str, Vectors] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    distractors: "Embedded | None" = None

    def __post_init__(self) -> None:
        if len(self.data) != len(self.vectors):
            raise DataProblem(
                f"{self.data.name} has {len(self.data)} images, but {len(self.vectors)} vectors"
            )


def embed(
    encoder: Encodes, data: Dataset, *, caption: str = "{}", progress: OnProgress | None = None
) -> Embedded:
    """Encode sketches as sketches, photos as photos, each label as words; unusable images are left out.

    The caption is what a user would type: the bare name, unless the model was trained with another.
    """
    found, damaged = pictures(encoder, data.records, progress)
    if not found or len(found) < USABLE * len(data):
        raise DataProblem(
            f"{data.name}: {len(damaged)} of {len(data)} images are unusable"
            + (f"; the first is {damaged[0]}" if damaged else "")
        )
    kept = sorted(found)
    return Embedded(
        Dataset(data.name, tuple(data.records[place] for place in kept), data.merges),
        np.stack([found[place] for place in kept]).astype(np.float32, copy=False),
        _label_vectors(encoder, data.labels, caption),
        left_out(damaged),
    )


def pictures(
    encoder: Encodes, records: Sequence[Record], progress: OnProgress | None = None
) -> tuple[dict[int, Vectors], list[str]]:
    """Encode what can be read: vectors by their record's place, and a line for each unusable image."""
    found: dict[int, Vectors] = {}
    damaged: list[str] = []
    with ThreadPoolExecutor() as pool:
        for modality, encode in ((SKETCH, encoder.sketches), (PHOTO, encoder.photos)):
            places = [place for place, record in enumerate(records) if record.modality == modality]
            for start in range(0, len(places), BATCH):
                part = places[start : start + BATCH]
                images = list(pool.map(_usable, [records[place] for place in part]))
                for place, vector in zip(part, _encoded(encode, images), strict=True):
                    if isinstance(vector, BadImage):
                        damaged.append(f"{records[place].path}: {vector}")
                    else:
                        found[place] = vector
                if progress is not None:
                    progress(len(found) + len(damaged), len(records))
    return found, damaged


def left_out(damaged: Sequence[str]) -> tuple[str, ...]:
    """The remark about unusable images, if there are any."""
    return (f"{len(damaged)} images left out; the first is {damaged[0]}",) if damaged else ()


def _usable(record: Record) -> Image.Image | BadImage:
    try:
        return load_image(record)
    except BadImage as error:
        return BadImage(str(error).removeprefix(f"{record.path}: "))


def _encoded(
    encode: Callable[[Sequence[Image.Image]], Vectors], images: Sequence[Image.Image | BadImage]
) -> list[Vectors | BadImage]:
    """Encode one vector per image; if a batch is refused, one by one, to find the image that caused it."""
    good = [image for image in images if not isinstance(image, BadImage)]
    found: list[Vectors | BadImage] = []
    try:
        found.extend(encode(good) if good else [])
    except BadImage:
        for image in good:
            try:
                found.append(encode([image])[0])
            except BadImage as error:
                found.append(error)
    vectors = iter(found)
    return [image if isinstance(image, BadImage) else next(vectors) for image in images]


def _label_vectors(encoder: Encodes, labels: Sequence[str], caption: str) -> dict[str, Vectors]:
    try:
        vectors = encoder.texts([caption.format(label) for label in labels])
    except NoTextTower:
        return {}
    return dict(zip(labels, vectors, strict=True))
