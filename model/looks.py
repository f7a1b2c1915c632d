"""Looks: how often, and how, a model looks at each picture before it makes one vector of all that it saw.

A picture and its mirror image show the same thing, and what a network says of them differs only by chance: the mean of
both is nearer to the thing. Each look takes as long as the first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from model.modality import Pixels

Look = Literal["plain", "mirrored"]
LOOKS: tuple[Look, ...] = get_args(Look)
PLAIN: tuple[Look, ...] = ("plain",)


def seen(look: Look, pixels: Pixels) -> Pixels:
    """Prepared pictures (n, size, size, 3) as that look shows them."""
    return _SHOWN[look](pixels)


def _mirrored(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, :, ::-1])


_SHOWN: Mapping[Look, Callable[[Pixels], Pixels]] = {"plain": lambda pixels: pixels, "mirrored": _mirrored}


def check_looks(looks: Sequence[Look]) -> None:
    """Raise ValueError unless the picture itself comes first, and nothing twice."""
    if tuple(looks[:1]) != PLAIN:
        raise ValueError("the first of `looks` has to be plain: local parts are those of the picture itself")
    if len(set(looks)) < len(looks):
        raise ValueError("`looks` names one of them twice")
