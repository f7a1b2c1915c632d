"""The pictures of a dataset, decoded by the product's own decoder; damaged ones are named by their path."""

from PIL import Image

from model.data.datasets import SKETCH, Record
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
