"""Load the pictures of a dataset with the application's own decoder; errors name the path."""

from PIL import Image

from model.data.datasets import SKETCH, Record
from model.errors import BadImage
from model.pictures.images import PHOTO_CAPS, SKETCH_CAPS, decode


def load_image(record: Record, *, shortest: int | None = None) -> Image.Image:
    """Load as RGB, or as RGBA for a sketch on a transparent sheet, which preprocessing puts on white."""
    drawn = record.modality == SKETCH
    try:
        return decode(
            record.path, caps=SKETCH_CAPS if drawn else PHOTO_CAPS, shortest=shortest, keep_alpha=drawn
        ).image
    except BadImage as error:
        raise BadImage(f"{record.path}: {error}") from error
