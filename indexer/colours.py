"""The colour that stands for a photo until its picture is there: the one that most of it has.

It comes from the signature (8 x 8 dots) that is kept for each content, so nothing is decoded. The mean of all dots
would be a muddy brown for most photos. So each dot counts its neighbours among colours, and colourful ones more; the
dot with the most wins, and the answer is the mean of its neighbours.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.duplicates.signatures import Signatures

# Colours as far apart as this, of 255, hardly count as neighbours.
_REACH = 36.0
# What grey counts, where the purest colour counts 1.
_GREY = 0.25


def dominant(signatures: Signatures) -> NDArray[np.int64]:
    """The colour of each row, as 0xRRGGBB."""
    dots = signatures.reshape(len(signatures), -1, 3).astype(np.float32)
    weights = _GREY + (1 - _GREY) * (dots.max(axis=2) - dots.min(axis=2)) / 255
    squares = (dots**2).sum(axis=2)
    apart = squares[:, :, None] + squares[:, None, :] - 2 * dots @ dots.transpose(0, 2, 1)
    near = np.exp(-np.maximum(apart, 0) / _REACH**2) * weights[:, None, :]
    chosen = near[np.arange(len(dots)), near.sum(axis=2).argmax(axis=1)]
    means = (chosen[:, None, :] @ dots)[:, 0] / chosen.sum(axis=1, keepdims=True)
    red, green, blue = means.round().astype(np.int64).T
    colours: NDArray[np.int64] = red << 16 | green << 8 | blue
    return colours
