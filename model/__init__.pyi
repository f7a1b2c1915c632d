"""The names that this room hands on; `__init__.py` loads each when it is first asked for."""

from .encoder import Encoder
from .errors import BadImage, EmptyDrawing, ModelError, NoTextTower, SketchseekError, Unreadable
from .pictures.images import (
    DECODER_VERSION,
    PHOTO_CAPS,
    SKETCH_CAPS,
    Caps,
    Decoded,
    decode,
)

__all__ = [
    "DECODER_VERSION",
    "PHOTO_CAPS",
    "SKETCH_CAPS",
    "BadImage",
    "Caps",
    "Decoded",
    "EmptyDrawing",
    "Encoder",
    "ModelError",
    "NoTextTower",
    "SketchseekError",
    "Unreadable",
    "decode",
]
