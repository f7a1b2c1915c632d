"""A Gaussian code: a distribution for each picture, from which training draws (variational autoencoders)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Gaussian:
    """Independent numbers (n, d), each with its mean and the logarithm of its variance."""

    mean: Tensor
    log_variance: Tensor

    def drawn(self) -> Tensor:
        """A draw for each row, with gradients."""
        return self.mean + (self.log_variance / 2).exp() * torch.randn_like(self.mean)

    def divergence(self) -> Tensor:
        """The KL divergence to N(0, 1): the sum over a row's numbers, the mean over rows."""
        each = self.log_variance.exp() + self.mean.square() - 1 - self.log_variance
        return each.sum(dim=1).mean() / 2


class GaussianCode(nn.Module):
    """Reads a Gaussian off hidden values; `bounded` holds both of its parts between -1 and 1."""

    def __init__(self, width: int, code: int, *, bounded: bool = False) -> None:
        super().__init__()
        self.mean, self.log_variance = nn.Linear(width, code), nn.Linear(width, code)
        self.bounded = bounded

    def forward(self, hidden: Tensor) -> Gaussian:
        mean, log_variance = self.mean(hidden).float(), self.log_variance(hidden).float()
        return Gaussian(mean.tanh(), log_variance.tanh()) if self.bounded else Gaussian(mean, log_variance)


def noise(count: int, width: int) -> Tensor:
    """The same draws (count, width) from N(0, 1) at each call, for averages that must not change."""
    return torch.randn(count, width, generator=torch.Generator().manual_seed(0))
