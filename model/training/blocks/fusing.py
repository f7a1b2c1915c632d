"""Fusing maps of several stages into one vector, each weighed by a gate and pooled over its places."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# `energy`: SimAM's, of the map together with the last one; `sigmoid`: of the same sum itself; `none`: all count alike.
Gate = Literal["none", "energy", "sigmoid"]
Pooling = Literal["mean", "max"]
_LAMBDA = 1e-4


def energy(maps: Tensor) -> Tensor:
    """SimAM (Yang et al., ICML 2021): how far each place of a channel stands out from the channel's others.

    (x - mean)^2 / (4 (variance + 1e-4)) + 1/2, with the unbiased variance, as its authors' code has it.
    """
    apart = (maps - maps.mean(dim=(2, 3), keepdim=True)) ** 2
    others = max(1, maps.shape[2] * maps.shape[3] - 1)
    variance = apart.sum(dim=(2, 3), keepdim=True) / others
    return apart / (4 * (variance + _LAMBDA)) + 0.5


def pooled(maps: Tensor, pooling: Pooling) -> Tensor:
    """(n, channels) of maps (n, channels, height, width)."""
    return maps.amax(dim=(2, 3)) if pooling == "max" else maps.mean(dim=(2, 3))


class Fusing(nn.Module):
    """Maps of the given channels, the last and deepest one ungated, to one vector of all their channels.

    A gate is sigmoid(energy(relu(F + U))), where U is the deepest map by a 3 x 3 convolution, enlarged to F's places.
    """

    def __init__(self, channels: Sequence[int], gate: Gate = "energy", pooling: Pooling = "max") -> None:
        super().__init__()
        self.gate, self.pooling = gate, pooling
        *lower, deepest = channels
        gated = [] if gate == "none" else lower
        self.down = nn.ModuleList(nn.Conv2d(deepest, each, 3, padding=1) for each in gated)

    def fused(self, maps: Sequence[Tensor]) -> Tensor:
        *lower, deepest = maps
        if self.down:
            lower = [
                each * self._gate(each, down(deepest)) for each, down in zip(lower, self.down, strict=True)
            ]
        return torch.cat([pooled(each.float(), self.pooling) for each in (*lower, deepest)], dim=1)

    def _gate(self, maps: Tensor, deepest: Tensor) -> Tensor:
        # Squares and variances in half precision would be too coarse.
        enlarged = F.interpolate(deepest.float(), maps.shape[-2:], mode="bilinear", align_corners=False)
        both = F.relu(maps.float() + enlarged)
        return torch.sigmoid(energy(both) if self.gate == "energy" else both)
