"""What a model makes of the parts of a query: vectors, and of drawings perhaps cells, from which come local parts."""

import numpy as np
from numpy.typing import NDArray

from model.encoder import Encoded

Vector = NDArray[np.float32]
# Of one item or of several, a row each.
Encoding = Vector | Encoded
ENCODINGS = (np.ndarray, Encoded)


def vector_of(result: Encoding) -> Vector:
    return result.vectors if isinstance(result, Encoded) else result


def split(results: Encoding) -> list[Encoding]:
    """The result of each item."""
    if not isinstance(results, Encoded) or results.cells is None:
        return list(vector_of(results))
    return [Encoded(*one) for one in zip(results.vectors, results.cells, strict=True)]
