"""Attention pooling: learned queries read the local tokens of a picture, and say how much they read from each."""

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from model.training.options import Options


class ReadingOptions(Options):
    """`width` and `heads` of the layer that reads tokens."""

    width: int = Field(default=192, ge=1)
    heads: int = Field(default=6, ge=1)

    def check(self, towers: str) -> None:
        if self.width % self.heads:
            raise ValueError(f"`heads` must divide `width`, and {self.heads} does not divide {self.width}")


@dataclass(frozen=True)
class Read:
    """What q queries read of n pictures."""

    # (n, q, inner)
    values: Tensor
    # (n, heads, q, k): how much of it came from each token; the rest, up to 1, from the queries themselves.
    weights: Tensor


class AttentionPooling(nn.Module):
    """One layer of a transformer whose queries also read one another; `cells` are the places of the whole grid."""

    def __init__(self, width: int, cells: int, queries: int, inner: int = 192, heads: int = 6) -> None:
        super().__init__()
        if inner % heads:
            raise ValueError(f"{heads} heads do not divide a width of {inner}")
        self.heads = heads
        self.enter = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner))
        self.queries = nn.Parameter(0.02 * torch.randn(queries, inner))
        self.position = nn.Parameter(torch.zeros(cells, inner))
        self.norm = nn.LayerNorm(inner)
        self.query, self.key, self.value, self.out = (nn.Linear(inner, inner) for _ in range(4))
        self.feed = nn.Sequential(
            nn.LayerNorm(inner), nn.Linear(inner, 2 * inner), nn.GELU(), nn.Linear(2 * inner, inner)
        )
        self.leave = nn.LayerNorm(inner)

    def read(self, tokens: Tensor, places: Tensor, which: Tensor) -> Read:
        """Tokens (n, k, width), their cells (n, k), and which of the queries read each picture (n, q)."""
        asked = self.queries[which]
        shown = self.norm(torch.cat([asked, self.enter(tokens) + self.position[places]], dim=1))
        count = which.shape[1]
        query, key, value = (
            self._split(layer(part))
            for layer, part in ((self.query, shown[:, :count]), (self.key, shown), (self.value, shown))
        )
        weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(dim=-1)
        mixed = asked + self.out((weights @ value).transpose(1, 2).flatten(2))
        return Read(self.leave(mixed + self.feed(mixed)), weights[..., count:])

    def _split(self, values: Tensor) -> Tensor:
        return values.reshape(*values.shape[:2], self.heads, -1).transpose(1, 2)
