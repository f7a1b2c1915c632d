"""Where a network can be cut: the output of frozen stages is computed once per picture, and cached.

Training copies networks, so stages never hold a part of a network, only the network itself.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import torch
from timm.models.efficientnet import EfficientNet
from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from model.backbones.tokens import Maps, Tokens
from model.errors import ModelError

# The last stage of an EfficientNet at a sixteenth of the picture's size tells single things apart.
_FINE = 4


class Stages:
    """A network that cannot be frozen in part. Subclasses split theirs into first and later stages.

    Stages pass on a map (n, channels, height, width).
    """

    def __init__(self, network: nn.Module) -> None:
        self.network: Any = network

    def first(self) -> tuple[nn.Module, ...]:
        """The stages that are always frozen."""
        return ()

    def later(self) -> Sequence[nn.Module]:
        """The stages of which the first ones may be frozen."""
        return ()

    def enter(self, pictures: Tensor) -> Tensor:
        """The output of `first` for scaled pictures."""
        for module in self.first():
            pictures = module(pictures)
        return pictures

    def run(self, stage: nn.Module, values: Tensor) -> Tensor:
        found: Tensor = stage(values)
        return found

    def pooled(self, values: Tensor) -> Tensor:
        """Features (n, width)."""
        found: Tensor = self.network(values)
        return found

    def before(self, count: int, pictures: Tensor) -> Tensor:
        """The output of the frozen stages for scaled pictures."""
        values = self.enter(pictures)
        for stage in self.later()[:count]:
            values = self.run(stage, values)
        return values

    def after(self, count: int, values: Tensor) -> Tensor:
        """Features (n, width) from the output of `before`."""
        for stage in self.later()[count:]:
            values = self.run(stage, values)
        return self.pooled(values)

    def maps(self, count: int, values: Tensor, wanted: Sequence[int]) -> Maps:
        """The output of these stages, counted from 0, from the output of `before`, which is stage `count` - 1's."""
        known = {count - 1: values}
        for number, stage in enumerate(self.later()[count:], count):
            known[number] = self.run(stage, known[number - 1])
        if absent := sorted(set(wanted) - set(known)):
            raise ModelError(
                f"{type(self.network).__name__} has no maps of stage {absent[0]} with {count} frozen stages: it has "
                f"{', '.join(map(str, known))}"
            )
        return Maps(self.pooled(known[max(known)]), tuple(known[number] for number in wanted))

    def tokens(self, count: int, values: Tensor) -> Tokens:
        """What the network says of the whole and of each place, from the output of `before`."""
        if not hasattr(self.network, "tokens"):
            raise ModelError(
                f"{type(self.network).__name__} gives no local tokens: use an EfficientNet, or a ViT of the backbone "
                "`overlapping`"
            )
        found: Tokens = self.network.tokens(values)
        return found

    def frozen(self, count: int) -> Iterator[nn.Module]:
        return chain(self.first(), self.later()[:count])


class EfficientNetStages(Stages):
    def first(self) -> tuple[nn.Module, ...]:
        return (self.network.conv_stem, self.network.bn1)

    def later(self) -> Sequence[nn.Module]:
        return list(self.network.blocks)

    def pooled(self, values: Tensor) -> Tensor:
        found: Tensor = self.network.bn2(self.network.conv_head(values)).float().mean(dim=(2, 3))
        return found

    def tokens(self, count: int, values: Tensor) -> Tokens:
        """Each place in the last stage, beside what the stage of single things, averaged, says of it."""
        fine = values
        for number, stage in enumerate(self.later()[count:], count):
            values = self.run(stage, values)
            if number <= _FINE:
                fine = values
        side = values.shape[-1]
        both = torch.cat([adaptive_avg_pool2d(fine.float(), side), values.float()], dim=1)
        local = both.flatten(2).transpose(1, 2)
        places = torch.arange(side * side, device=local.device).expand(len(local), -1)
        return Tokens(self.pooled(values), local, places, side)


class ResNetStages(Stages):
    def first(self) -> tuple[nn.Module, ...]:
        return (self.network.conv1, self.network.bn1, self.network.act1, self.network.maxpool)

    def later(self) -> Sequence[nn.Module]:
        return [getattr(self.network, f"layer{number}") for number in (1, 2, 3, 4)]

    def pooled(self, values: Tensor) -> Tensor:
        found: Tensor = self.network.forward_head(values)
        return found


class TransformerStages(Stages):
    """Passes tokens from stage to stage as a map of one column."""

    def first(self) -> tuple[nn.Module, ...]:
        return (self.network.patch_embed, self.network.norm_pre)

    def later(self) -> Sequence[nn.Module]:
        return list(self.network.blocks)

    def enter(self, pictures: Tensor) -> Tensor:
        net = self.network
        return _as_map(net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(pictures)))))

    def run(self, stage: nn.Module, values: Tensor) -> Tensor:
        return _as_map(stage(_as_tokens(values)))

    def pooled(self, values: Tensor) -> Tensor:
        found: Tensor = self.network.forward_head(self.network.norm(_as_tokens(values)))
        return found


def stages_of(network: nn.Module) -> Stages | None:
    """The stages of one of timm's networks, or as the network itself says; None if it cannot be cut."""
    kinds = {EfficientNet: EfficientNetStages, ResNet: ResNetStages, VisionTransformer: TransformerStages}
    kind: type[Stages] | None = getattr(network, "cut_as", None) or kinds.get(type(network))
    return None if kind is None else kind(network)


def _as_map(tokens: Tensor) -> Tensor:
    return tokens.transpose(1, 2).unsqueeze(-1)


def _as_tokens(values: Tensor) -> Tensor:
    return values.squeeze(-1).transpose(1, 2)
