"""Token ids of texts, as every text tower takes them, and the limits that every tokenizer observes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Most characters of a text to read: many times what fills 64 tokens, and few enough that nothing about
# them, such as sorting thousands of accents, takes long.
LONGEST_TEXT = 4096
# Engines keep memory for every length that they see, so they should see few.
WIDTHS = (8, 16, 32, 64)


@dataclass(frozen=True)
class Tokens:
    """Token ids of some texts, padded to one length, and a mask that is 1 for tokens."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
