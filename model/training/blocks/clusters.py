"""Groups of vectors: k-means that gives the same groups each time, and means that follow what they are means of.

All vectors have unit length, and means are scaled to it (spherical k-means).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ROUNDS = 25


@torch.no_grad()
def kmeans(vectors: Tensor, count: int, seed: int, rounds: int = ROUNDS) -> Tensor:
    """The group of each vector, from 0 to `count` - 1, or fewer where there are fewer vectors; none is empty.

    It starts as k-means++ does, but with the seed's own numbers, and stops when nothing moves any more.
    """
    count = min(count, len(vectors))
    centres = vectors[_spread(vectors, count, seed)]
    own = torch.full((len(vectors),), -1)
    for _ in range(rounds):
        near = vectors @ centres.T
        found = filled(near, near.argmax(dim=1), count)
        if torch.equal(found, own):
            break
        own, centres = found, means(vectors, found, count)
    return own


def means(vectors: Tensor, groups: Tensor, count: int) -> Tensor:
    """The unit mean (count, d) of each group; zeros for a group without vectors."""
    sums = vectors.new_zeros(count, vectors.shape[1]).index_add_(0, groups, vectors)
    return F.normalize(sums, dim=-1)


@torch.no_grad()
def follow(table: Tensor, vectors: Tensor, groups: Tensor, keep: float) -> None:
    """Move the mean of each group that is shown towards what is shown of it; `keep` of it stays."""
    shown, numbers = torch.unique(groups, return_inverse=True)
    fresh = means(vectors, numbers, len(shown))
    table[shown] = F.normalize(keep * table[shown] + (1 - keep) * fresh, dim=-1)


def _spread(vectors: Tensor, count: int, seed: int) -> list[int]:
    """Rows far from each other: the farther a row is from those chosen, the likelier it is the next."""
    chance = np.random.default_rng(seed)
    rows = [int(chance.integers(len(vectors)))]
    far = 1 - vectors @ vectors[rows[0]]
    while len(rows) < count:
        weights = far.clamp(min=0).double().numpy()
        # Where all are equal, any will do: empty groups are filled later.
        shares = weights / weights.sum() if weights.any() else None
        rows.append(int(chance.choice(len(weights), p=shares)))
        far = torch.minimum(far, 1 - vectors @ vectors[rows[-1]])
    return rows


def filled(near: Tensor, own: Tensor, count: int) -> Tensor:
    """Give each empty group the vector that is farthest from the centre of a group that can spare it."""
    own = own.clone()
    fits = near.gather(1, own[:, None])[:, 0].clone()
    for group in torch.nonzero(torch.bincount(own, minlength=count) == 0)[:, 0].tolist():
        spare = torch.bincount(own, minlength=count)[own] > 1
        row = int(fits.masked_fill(~spare, torch.inf).argmin())
        own[row], fits[row] = group, torch.inf
    return own
