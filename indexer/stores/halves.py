"""From float16 to float32, several times faster than NumPy does it on most CPUs."""

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

_EXPONENT = 0x7C00
# All but what the sign leaves behind when it is moved up.
_KEPT = np.int32(0x8FFFFFFF - 2**32)
# Between the biases of the two formats' exponents.
_SCALE = np.float32(2.0**112)


def to_float32(half: NDArray[np.float16]) -> Vectors:
    """The same numbers, exactly."""
    bits = half.view(np.int16).astype(np.int32)
    if ((bits & _EXPONENT) == _EXPONENT).any():
        # Infinite, or not a number.
        return half.astype(np.float32)
    bits <<= 13
    bits &= _KEPT
    numbers: Vectors = bits.view(np.float32)
    numbers *= _SCALE
    return numbers
