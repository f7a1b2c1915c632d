"""Token ids of texts, as every text tower takes them, and the bounds that every tokenizer keeps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Characters of a text that are looked at: many times what fills 64 tokens, and little enough that nothing about
# them, such as sorting accents by thousands, takes long.
LONGEST_TEXT = 4096
# Engines keep memory for every length that they see, so that they see few.
WIDTHS = (8, 16, 32, 64)


@dataclass(frozen=True)
class Tokens:
    """Token ids of some texts, padded to one length, and a mask that is 1 where a token is."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
