"""Tokens and maps: what a network says of the places of a picture, beside what it says of the whole."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """A batch of pictures in parts."""

    # (n, width): pooled features, or [Ret].
    whole: Tensor
    # (n, k, width): k of the cells of a square grid, row by row.
    local: Tensor
    # (n, k): which cells, counted in the whole grid.
    places: Tensor
    # Cells per side of the whole grid.
    side: int
    # How much [Ret] attends to each of them in the last block, by head: (n, heads, k); for networks with a [Ret].
    attend: Callable[[], Tensor] | None = None


@dataclass(frozen=True)
class Maps:
    """What some stages of a network say of a batch of pictures."""

    # (n, width): pooled features.
    whole: Tensor
    # Each (n, channels, height, width), from the first stage on.
    stages: tuple[Tensor, ...]


def tokens_kept(attention: Tensor, keep: float) -> Tensor:
    """The places (b, k) of the patches that [Ret] attends to most, in their own order: token selection.

    `attention` (b, heads, n) are its weights for the n patches; the mean over heads decides, and ceil(keep n) stay.
    """
    count = math.ceil(keep * attention.shape[-1])
    best = attention.mean(dim=1).topk(count, dim=-1).indices
    return best.sort(dim=-1).values
