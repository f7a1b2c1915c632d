"""The pictures of a dataset, decoded by the product's own decoder; damaged ones are named by their path."""

from collections.abc import Iterable

from PIL import Image

from model.data.datasets import SKETCH, DataProblem, Record
from model.errors import BadImage
from model.pictures.images import PHOTO_CAPS, SKETCH_CAPS, decode


def load_image(record: Record, *, shortest: int | None = None) -> Image.Image:
    """RGB, or RGBA for a sketch with ink on nothing, which preprocessing lays on white."""
    drawn = record.modality == SKETCH
    try:
        return decode(
            record.path, caps=SKETCH_CAPS if drawn else PHOTO_CAPS, shortest=shortest, keep_alpha=drawn
        ).image
    except BadImage as error:
        raise BadImage(f"{record.path}: {error}") from error


def refuse_damaged(records: Iterable[Record]) -> int:
    """Decode everything once before hours of work depend on it; returns how many pictures there are."""
    count, damaged = 0, []
    for record in records:
        count += 1
        try:
            load_image(record)
        except BadImage as error:
            damaged.append(str(error))
    if damaged:
        raise DataProblem(
            f"{len(damaged)} of {count} images cannot be used; replace or remove them. First: {damaged[0]}"
        )
    return count
