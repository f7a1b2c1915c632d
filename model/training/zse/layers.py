"""What learns in ZSE-SBIR besides the image network: cross-attention, anchors, and the relation network."""

import copy
from typing import Literal

import torch
from torch import Tensor, nn

from model.training.zse import formulas

# `none`: tokens are compared as they are. `figure`: each side is read with the queries of the other, as the paper
# draws it. `code`: own queries and values, the other's keys, as released; needs equally many tokens on both sides.
Exchange = Literal["none", "figure", "code"]


class Norm(nn.Module):
    """The authors' layer norm, see `formulas.normed`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, values: Tensor) -> Tensor:
        return formulas.normed(values, self.gain, self.shift)


class Reader(nn.Module):
    """One post-norm layer of attention and a feed-forward network, for one side of a pair."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        # Copies of one: attention starts as a symmetric similarity.
        linear = nn.Linear(width, width)
        self.query, self.key, self.value, self.out = (copy.deepcopy(linear) for _ in range(4))
        self.feed = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, width)
        )
        self.norms = nn.ModuleList([Norm(width), Norm(width)])
        self.drop = nn.Dropout(dropout)

    def forward(self, kept: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """`kept` goes past the attention and is added to what it read."""
        read = formulas.attend(self.query(query), self.key(key), self.value(value), self.heads)
        mixed = self.norms[0](kept + self.drop(self.out(read)))
        found: Tensor = self.norms[1](mixed + self.drop(self.feed(mixed)))
        return found


class CrossAttention(nn.Module):
    """Reads the tokens of a sketch and a photo together; the layers of the two sides start equal."""

    def __init__(
        self, width: int, exchange: Exchange, heads: int = 8, hidden: int = 1024, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.exchange = exchange
        if exchange != "none":
            self.sketch = Reader(width, heads, hidden, dropout)
            self.photo = copy.deepcopy(self.sketch)

    def forward(self, sketch: Tensor, photo: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (b, n, d) and (b, m, d), the first one [Ret]; both sides read what the other was before."""
        if self.exchange == "none":
            return sketch, photo
        if self.exchange == "figure":
            # Row i of the sketch's tokens is the sketch, read from photo token i.
            return self.sketch(photo, photo, sketch, sketch), self.photo(sketch, sketch, photo, photo)
        return self.sketch(sketch, sketch, photo, sketch), self.photo(photo, photo, sketch, photo)


class Anchors(nn.Module):
    """Blocks of cells become anchors: a convolution without overlap from side x side cells to fewer."""

    def __init__(self, width: int, out: int, block: int, *, as_released: bool = False) -> None:
        super().__init__()
        self.as_released = as_released
        self.gather = nn.Conv2d(width, out, block, stride=block)

    def forward(self, tokens: Tensor) -> Tensor:
        gathered: Tensor = self.gather(formulas.cells(tokens, as_released=self.as_released))
        return gathered.flatten(2).transpose(1, 2)


class Relation(nn.Module):
    """From the kernel of a pair to one number, the logit of its score: flattened, so each place has its weights."""

    def __init__(self, anchors: int, dropout: float = 0.1) -> None:
        super().__init__()
        # The authors' sizes: 2401 to 343 to 49 for 49 anchors, 20736 to 1728 to 144 for 144.
        first, second = max(1, round(anchors**1.5)), anchors
        self.layers = nn.Sequential(
            nn.Linear(anchors**2, first),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(second, 1),
        )

    def forward(self, kernel: Tensor) -> Tensor:
        logits: Tensor = self.layers(kernel.flatten(1))
        return logits.squeeze(-1)
