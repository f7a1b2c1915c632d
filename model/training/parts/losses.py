"""What a local head learns by: which photo a drawing is of, which class, and where in the photo each line is."""

import torch
from torch import Tensor
from torch.nn import functional as F

_NEVER = -1e9
# How far beside its place a cell may be matched, as a share of the side.
_NEAR = 0.05


def among(scores: Tensor, right: Tensor) -> Tensor:
    """Cross-entropy of each row, where any of the `right` columns will do; scores are logits (q, n)."""
    hits = scores.masked_fill(~right, _NEVER)
    return (torch.logsumexp(scores, dim=1) - torch.logsumexp(hits, dim=1)).mean()


def both_ways(scores: Tensor, right: Tensor) -> Tensor:
    """Find the photos of drawings, and the drawings of photos."""
    return (among(scores, right) + among(scores.T, right.T)) / 2


def place_loss(sketch: Tensor, photo: Tensor, places: Tensor, centres: Tensor, scale: Tensor) -> Tensor:
    """Find, for each cell of drawings, the cell of its own photo that it comes from.

    Unit tokens (n, k, d) of both, `places` (n, k, 2) in the photo as shares, NaN where it is not known, and the
    centres (k, 2) of the photo's cells.
    """
    known = places.isfinite().all(dim=-1) & (places > 0).all(dim=-1) & (places < 1).all(dim=-1)
    if not known.any():
        return sketch.new_zeros(())
    logits = sketch @ photo.transpose(1, 2) * scale
    away = torch.cdist(places.nan_to_num(0.5), centres.expand(len(places), -1, -1))
    near = torch.exp(-0.5 * (away / _NEAR) ** 2)
    target = near / near.sum(dim=-1, keepdim=True).clamp_min(1e-6)
    found = -(target * F.log_softmax(logits, dim=-1)).sum(dim=-1)
    return found[known].mean()
