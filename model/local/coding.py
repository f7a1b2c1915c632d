"""The bytes that an index keeps of a photo's parts: few dimensions of each token, in four bits.

A row needs neither a header nor positions: it lists the cells of a grid in order.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.modality import Vectors

Rows = NDArray[np.uint8]
_LEVELS = 16


@dataclass(frozen=True)
class Code:
    """How tokens become bytes: `basis` (width, m) with orthonormal columns, and the step of each of the m numbers."""

    basis: Vectors
    step: Vectors
    # Cells per side of the grid.
    side: int

    @property
    def bytes(self) -> int:
        numbers: int = self.basis.shape[1]
        return self.side**2 * numbers // 2

    def pack(self, tokens: Vectors) -> Rows:
        """Unit tokens (n, cells, width) as rows (n, bytes)."""
        levels = np.floor(tokens @ self.basis / self.step) + _LEVELS // 2
        digits = np.clip(levels, 0, _LEVELS - 1).astype(np.uint8)
        rows: Rows = (digits[..., ::2] | digits[..., 1::2] << 4).reshape(len(tokens), self.bytes)
        return rows

    def unpack(self, rows: Rows) -> Vectors:
        """What is left of the tokens, in steps: (n, cells, m), to be compared with `shortened` ones."""
        numbers = self._values[rows].view(np.float32)
        found: Vectors = numbers.reshape(len(rows), self.side**2, self.basis.shape[1])
        return found

    def shortened(self, tokens: Vectors) -> Vectors:
        """Tokens whose products with those of `unpack` are what the whole tokens' would be."""
        short: Vectors = tokens @ (self.basis * self.step)
        return short

    @cached_property
    def _values(self) -> NDArray[np.complex64]:
        """For each byte its two numbers, in steps, as one value: the middles of what each digit stands for."""
        digits = np.arange(256)
        pair = np.stack([digits % _LEVELS, digits // _LEVELS], axis=1)
        return (pair - _LEVELS / 2 + 0.5).astype(np.float32).view(np.complex64).ravel()
