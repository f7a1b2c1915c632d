"""The core idea: an embedding minus its modality's encoding is the meaning, however it was expressed."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
# The heads that whiten queries, before their kind.
WHITENING = "whitening."
# Input of the image tower: N x size x size x 3.
Pixels = NDArray[np.uint8]


class Modality(StrEnum):
    """How a meaning was expressed."""

    PHOTO = "photo"
    SKETCH = "sketch"
    TEXT = "text"


def unit(vectors: Vectors) -> Vectors:
    """Scale rows to length one; rows of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
    return scaled


def strip(embeddings: Vectors, encoding: Vectors) -> Vectors:
    """Subtract from unit embeddings what their modality adds to all of them: semantic vectors."""
    return unit(embeddings - encoding)


def whitened(queries: Vectors, whitening: Vectors) -> Vectors:
    """Weaken the directions in which queries of a kind differ most: see training/whitening.py."""
    return unit(queries @ whitening)
