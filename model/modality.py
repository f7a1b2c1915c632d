"""The idea of the product: an embedding minus its modality's encoding is what was meant, whatever drew or said it."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
# Pictures as the image tower takes them: N x size x size x 3.
Pixels = NDArray[np.uint8]


class Modality(StrEnum):
    """How a meaning reached us."""

    PHOTO = "photo"
    SKETCH = "sketch"
    TEXT = "text"


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length one; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
    return scaled


def strip(embeddings: Vectors, encoding: Vectors) -> Vectors:
    """Semantic vectors: unit embeddings of one modality without what that modality adds to all of them."""
    return unit(embeddings - encoding)
