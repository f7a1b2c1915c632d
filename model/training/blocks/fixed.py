"""A classifier that does not learn: a random direction for each label, which vectors learn to follow."""

import torch
import torch.nn.functional as F
from torch import Tensor


def fixed_directions(labels: int, width: int) -> Tensor:
    """Unit vectors (labels, width), the same at each call."""
    drawn = torch.randn(labels, width, generator=torch.Generator().manual_seed(labels))
    return F.normalize(drawn, dim=-1)


def fixed_loss(codes: Tensor, directions: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of inner products, of which the codes' lengths are the inverse temperature."""
    return F.cross_entropy(codes.float() @ directions.T, labels)
