"""Classifiers with a direction for each label: proxies, which learn, and fixed ones.

The logits of proxies are cosines (normalised softmax). Fixed directions are random, and vectors learn to follow them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from model.training.anchors import some_of_each
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.views import BATCH, Annotations, Views

TEMPERATURE = 0.05


class Proxies(nn.Module):
    """Directions start at random; a label that `lay` shows no picture of keeps its own."""

    def __init__(self, labels: int, dimension: int, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self.temperature = temperature
        with torch.random.fork_rng():
            torch.manual_seed(labels)
            self.directions = nn.Parameter(F.normalize(torch.randn(labels, dimension), dim=-1))

    def forward(self, vectors: Tensor) -> Tensor:
        """Logits (n, labels)."""
        return F.normalize(vectors, dim=-1) @ F.normalize(self.directions, dim=-1).T / self.temperature

    def loss(self, vectors: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(self(vectors), labels)

    @torch.no_grad()
    def lay(self, embed: Callable[[Tensor, Tensor], Tensor], views: Views, known: Annotations) -> None:
        """Start where pictures of each label are, seen from the mean of their modality, half of it by either.

        At the rate of a head, random directions would not arrive within the few hundred steps of a recipe.
        """
        found = torch.zeros_like(self.directions)
        for kind in (PHOTO, SKETCH):
            rows = some_of_each(known, kind)
            if not len(rows):
                continue
            told = torch.full((BATCH,), kind)
            vectors = over(partial(_of_kind, embed, told), views, rows)
            labels = torch.from_numpy(known.labels[rows])
            sums = torch.zeros_like(found).index_add_(0, labels, vectors)
            counts = labels.bincount(minlength=len(found))[:, None]
            means = sums / counts.clamp(min=1)
            middle = means.sum(0) / (counts > 0).sum()
            found += F.normalize(means - middle, dim=-1) * (counts > 0)
        shown = found.norm(dim=-1) > 0
        self.directions[shown] = F.normalize(found[shown], dim=-1)


def fixed_directions(labels: int, width: int) -> Tensor:
    """Unit vectors (labels, width), the same at each call."""
    drawn = torch.randn(labels, width, generator=torch.Generator().manual_seed(labels))
    return F.normalize(drawn, dim=-1)


def fixed_loss(codes: Tensor, directions: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of inner products, of which the codes' lengths are the inverse temperature."""
    return F.cross_entropy(codes.float() @ directions.T, labels)


@torch.no_grad()
def over(function: Callable[[Tensor], Tensor], views: Views, rows: NDArray[np.int64]) -> Tensor:
    """What a function of prepared inputs says of these pictures themselves, batch by batch."""
    starts = range(0, len(rows), BATCH)
    return torch.cat([function(views.images(rows[at : at + BATCH].tolist())) for at in starts]).float()


def _of_kind(embed: Callable[[Tensor, Tensor], Tensor], kinds: Tensor, inputs: Tensor) -> Tensor:
    return embed(inputs, kinds[: len(inputs)])
