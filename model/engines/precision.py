"""Half precision: at least twice the speed, used only if the vectors stay those of the reference.

It is fp16, not bf16: on photographs, the shipped model's vectors keep a cosine of .99999 with the
reference in fp16, but only .997 in bf16, and GPUs run both at the same speed.
"""

import copy
import logging

import torch
from torch import Tensor, nn
from torch.nn import functional as F

log = logging.getLogger("sketchseek")

HALF = torch.float16
# The lowest cosine with the reference that every engine guarantees.
COSINE = 0.999


def halved(tower: nn.Module) -> nn.Module:
    """Copy a tower, with its networks in half precision. The scaling of pixels and the statistics of batch norms
    keep full precision."""
    half = copy.deepcopy(tower)
    networks = list(half.children())
    for network in networks:
        network.to(HALF)
    for module in half.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.float()
    networks[0].register_forward_pre_hook(lambda _, given: (given[0].to(HALF), *given[1:]))
    return half


def quickest(tower: nn.Module, pixels: Tensor) -> nn.Module:
    """Return the tower in half precision if these pixels get the same vectors; else as it is, with a warning."""
    half = halved(tower)
    with torch.inference_mode():
        exact, found = tower(pixels).float(), half(pixels).float()
    # The embedding, and apart from it the cells that may follow it, which are longer.
    at = getattr(tower, "dimension", exact.shape[1])
    cosine = min(
        float(F.cosine_similarity(one, other, dim=1).min())
        for one, other in ((exact[:, :at], found[:, :at]), (exact[:, at:], found[:, at:]))
        if one.shape[1]
    )
    if cosine >= COSINE:  # also false for NaN, which fp16 gives on overflow
        return half
    log.warning(
        "half precision changes this model's vectors (cosine %.4f): it runs in float32, slower", cosine
    )
    return tower


def trial_pixels(side: int, device: torch.device, count: int = 8) -> Tensor:
    """Make synthetic pictures, (count, side, side, 3) bytes: patches of colour with noise, always the same."""
    dice = torch.Generator().manual_seed(0)
    patches = torch.rand((count, 3, 7, 7), generator=dice) * 255
    smooth = F.interpolate(patches, size=(side, side), mode="bilinear")
    noisy = smooth + 20 * torch.randn(smooth.shape, generator=dice)
    return noisy.clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().to(device)
