"""What a picture means: pictures and words to semantic vectors. Knows nothing of indexes or HTTP."""

from model.encoder import Encoder
from model.errors import BadImage, EmptyDrawing, ModelError, NoTextTower, SketchseekError, Unreadable
from model.images import DECODER_VERSION, PHOTO_CAPS, SKETCH_CAPS, Caps, Decoded, decode

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
