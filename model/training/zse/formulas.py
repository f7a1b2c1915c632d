"""The equations of ZSE-SBIR, each a function of tensors without parameters of its own.

b pairs; n tokens of the sketch and m of the photo, each d wide. Where the paper's figure and the authors' code
differ, both forms are here and the docstring says which is which.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from model.backbones.tokens import tokens_kept

__all__ = [
    "attend",
    "cells",
    "kernel",
    "normed",
    "relation_loss",
    "spread",
    "tokens_kept",
    "total_loss",
    "triplet_loss",
]

# What the relation network is trained to say of a pair of one class, and of two.
SAME, OTHER = 0.99, 0.01
TRIPLET_WEIGHT, RELATION_WEIGHT = 2.0, 4.0
_EPSILON = 1e-6


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Scaled dot-product attention in `heads` parts of the width; (b, n, d) queries, (b, m, d) keys and values."""
    mixed = F.scaled_dot_product_attention(_split(query, heads), _split(key, heads), _split(value, heads))
    return mixed.transpose(1, 2).flatten(2)


def normed(values: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Layer norm as the authors wrote it: divided by the unbiased deviation, to which epsilon is added."""
    centred = values - values.mean(dim=-1, keepdim=True)
    return gain * centred / (values.std(dim=-1, keepdim=True) + _EPSILON) + shift


def cells(tokens: Tensor, *, as_released: bool = False) -> Tensor:
    """Patches (b, n, d) as a square map (b, d, side, side).

    The released code views the memory as such a map without transposing it, so a cell of its map is no place in
    the picture. That form cannot explain anything; it is for comparisons.
    """
    batch, count, width = tokens.shape
    side = math.isqrt(count)
    if side * side != count:
        raise ValueError(f"{count} tokens are no square map")
    if as_released:
        return tokens.reshape(batch, width, side, side)
    return tokens.transpose(1, 2).reshape(batch, width, side, side)


def spread(tokens: Tensor, kept: Tensor, count: int) -> Tensor:
    """Kept tokens (b, k, d) at their places (b, k) among `count`; zeros where a token was removed."""
    whole = tokens.new_zeros(len(tokens), count, tokens.shape[-1])
    return whole.scatter(1, kept[..., None].expand_as(tokens), tokens)


def kernel(sketch: Tensor, photo: Tensor) -> Tensor:
    """The cosine of each sketch token with each photo token: (b, n, m). Tokens that are zero match nothing."""
    return F.normalize(sketch, dim=-1) @ F.normalize(photo, dim=-1).transpose(-1, -2)


def triplet_loss(sketch: Tensor, photo: Tensor, other: Tensor, margin: float = 1.0) -> Tensor:
    """Mean of max(0, margin + |sketch - photo| - |sketch - other|), Euclidean, of tokens as they are.

    The authors take [Ret] after cross-attention: the photo's read together with the sketch, the other one's
    together with another sketch of the same class.
    """
    near, far = ((sketch - each).norm(dim=-1) for each in (photo, other))
    return F.relu(margin + near - far).mean()


def relation_loss(logits: Tensor, same: Tensor) -> Tensor:
    """Mean square difference between the scores, sigmoids of the logits, and .99 for a pair of one class, else .01."""
    target = torch.where(same, torch.full_like(logits, SAME), torch.full_like(logits, OTHER))
    return F.mse_loss(logits.sigmoid(), target)


def total_loss(triplet: Tensor, relation: Tensor) -> Tensor:
    return TRIPLET_WEIGHT * triplet + RELATION_WEIGHT * relation


def _split(values: Tensor, heads: int) -> Tensor:
    batch, count, width = values.shape
    return values.reshape(batch, count, heads, width // heads).transpose(1, 2)
