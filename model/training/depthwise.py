"""Frozen strided depthwise convolutions whose gradient is quick on a CPU.

oneDNN's gradient of such a layer takes as long as a dozen others: a fifth of a training step of EfficientNet-Lite2. It
is the same as one unstrided convolution for each place modulo the stride, and those are quick.
"""

from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import Conv2dSame
from timm.layers.padding import pad_same
from torch import Tensor, nn


class _Strided(torch.autograd.Function):
    """Without padding and bias; the kernels get no gradient."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, kernels: Tensor, stride: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(kernels)
        ctx.shape, ctx.stride = pictures.shape, stride
        return F.conv2d(pictures, kernels, stride=stride, groups=len(kernels))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (given,) = gradients
        (down, across), kernels = ctx.stride, ctx.saved_tensors[0].to(given.dtype)
        # What the stride skips gets none.
        made = given.new_zeros(ctx.shape).contiguous(memory_format=torch.channels_last)
        for row in range(min(down, kernels.shape[2])):
            for column in range(min(across, kernels.shape[3])):
                part = kernels[:, :, row::down, column::across].flip(2, 3)
                reach = (part.shape[2] - 1, part.shape[3] - 1)
                found = F.conv2d(given, part, padding=reach, groups=len(kernels))
                into = made[:, :, row::down, column::across]
                height, width = (min(sides) for sides in zip(found.shape[2:], into.shape[2:], strict=True))
                into[:, :, :height, :width] = found[:, :, :height, :width]
        return made, None, None


class QuickStrided(nn.Conv2d):
    """Takes the place of a frozen depthwise convolution, with the same weights under the same name."""

    def __init__(self, like: nn.Conv2d) -> None:
        sides = (like.kernel_size[0], like.kernel_size[1])
        # On no device: weights of its own would only move on the random numbers of those that are made after it.
        super().__init__(
            like.in_channels, like.out_channels, sides, groups=like.groups, bias=False, device="meta"
        )
        self.weight = like.weight
        self.steps = (like.stride[0], like.stride[1])
        self.same = isinstance(like, Conv2dSame)
        self.edges = like.padding

    def forward(self, input: Tensor) -> Tensor:
        if self.same:
            padded = pad_same(input, list(self.kernel_size), list(self.steps))
        else:
            down, across = int(self.edges[0]), int(self.edges[1])
            padded = F.pad(input, (across, across, down, down))
        if padded.device.type != "cpu":
            return F.conv2d(padded, self.weight, stride=self.steps, groups=self.groups)
        found: Tensor = _Strided.apply(padded, self.weight, self.steps)
        return found


def quicken(network: nn.Module) -> None:
    """Replace every layer of that kind within the network."""
    for parent in network.modules():
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Conv2d) and _fits(layer):
                setattr(parent, name, QuickStrided(layer))


def _fits(layer: nn.Conv2d) -> bool:
    return (
        not isinstance(layer, QuickStrided)
        and layer.groups == layer.in_channels == layer.out_channels
        and max(layer.stride) > 1
        and set(layer.dilation) == {1}
        and layer.bias is None
        and not isinstance(layer.padding, str)
        and not layer.weight.requires_grad
    )
