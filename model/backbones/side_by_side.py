"""Several of timm's networks side by side: what one of them overlooks in a picture, another may see.

An architecture is their names with a plus between: `tf_efficientnet_lite2+tf_efficientnet_lite1`. Features, and the
map of each stage, are those of all networks, one after the other, so all need as many stages, with maps of one size.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from model.backbones.base import DEFAULT, Backbone, Built, Classifier
from model.backbones.stages import Stages, stages_of
from model.backbones.timm import Timm
from model.errors import ModelError

# Pixels per side of the picture that shows how large each stage's map is.
_PROBE = 64


class SideBySide(Backbone):
    small = ("test_efficientnet+test_efficientnet",)

    def build(self, architecture: str, pretrained: str | None = None, size: int | None = None) -> Built:
        """`pretrained`: as for timm, or one file for each network, with pluses between."""
        names = architecture.split("+")
        files = [pretrained] * len(names) if pretrained in (None, DEFAULT) else str(pretrained).split("+")
        if len(files) != len(names):
            raise ModelError(
                f"`pretrained` names {len(files)} weights for the {len(names)} networks of {architecture}: "
                "name one for each, with a plus between"
            )
        built: list[Built] = []
        for name, file in zip(names, files, strict=True):
            built.append(Timm().build(name, file, size or (built[0].size if built else None)))
        first = built[0]
        network = Networks(architecture, [each.network for each in built])
        if any(each.preprocessing != first.preprocessing for each in built):
            raise ModelError(f"{architecture}: these networks do not expect the same pixels; choose others")
        return Built(
            network=network,
            width=sum(each.width for each in built),
            size=first.size,
            preprocessing=first.preprocessing,
            stages=SideBySideStages(network),
            classifier=of_all([each.classifier for each in built]),
        )


class SideBySideStages(Stages):
    """Passes on a map with the channels of all networks."""

    def first(self) -> tuple[nn.Module, ...]:
        return tuple(module for each in self._each() for module in each.first())

    def later(self) -> Sequence[nn.Module]:
        together = zip(*(each.later() for each in self._each()), strict=True)
        return [
            _Stage(modules, widths)
            for modules, widths in zip(together, self.network.widths[:-1], strict=True)
        ]

    def enter(self, pictures: Tensor) -> Tensor:
        return torch.cat([each.enter(pictures) for each in self._each()], dim=1)

    def pooled(self, values: Tensor) -> Tensor:
        parts = torch.split(values, self.network.widths[-1], dim=1)
        return torch.cat([each.pooled(part) for each, part in zip(self._each(), parts, strict=True)], dim=1)

    def _each(self) -> list[Stages]:
        return [_stages(network) for network in self.network.networks]


class Networks(nn.Module):
    """Networks that see the same pictures: their features one after the other."""

    cut_as = SideBySideStages

    def __init__(self, architecture: str, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        # By stage: how many channels each network hands on to it, and, at last, to its features.
        self.widths = _widths(architecture, [_stages(each) for each in networks])

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.cat([network(pictures) for network in self.networks], dim=1)


class _Stage(nn.Module):
    """A stage of each network."""

    def __init__(self, modules: Sequence[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        self.stages, self.widths = nn.ModuleList(modules), list(widths)

    def forward(self, values: Tensor) -> Tensor:
        parts = torch.split(values, self.widths, dim=1)
        return torch.cat([stage(part) for stage, part in zip(self.stages, parts, strict=True)], dim=1)


def _stages(network: nn.Module) -> Stages:
    found = stages_of(network)
    if found is None or type(found).run is not Stages.run:
        raise ModelError(
            f"{type(network).__name__} has no maps to put beside another's: use EfficientNets or ResNets"
        )
    return found


@torch.no_grad()
def _widths(architecture: str, every: Sequence[Stages]) -> list[list[int]]:
    if len({len(each.later()) for each in every}) > 1:
        raise ModelError(
            f"{architecture}: these networks do not have the same number of stages; choose others"
        )
    shapes = [_shapes(each) for each in every]
    if any(len({tuple(shape[2:]) for shape in stage}) > 1 for stage in zip(*shapes, strict=True)):
        raise ModelError(f"{architecture}: the stages of these networks differ in size; choose others")
    return [[shape[1] for shape in stage] for stage in zip(*shapes, strict=True)]


def _shapes(stages: Stages) -> list[torch.Size]:
    """Of the map before each stage, and after the last."""
    network, shapes = stages.network, []
    learning = network.training
    network.eval()
    values = stages.enter(torch.zeros(1, 3, _PROBE, _PROBE))
    for stage in stages.later():
        shapes.append(values.shape)
        values = stages.run(stage, values)
    network.train(learning)
    return [*shapes, values.shape]


def of_all(found: Sequence[Classifier | None]) -> Classifier | None:
    """The mean of what they say, if they all classify the same."""
    if any(each is None for each in found) or len({len(each.bias) for each in found if each}) > 1:
        return None
    every = cast(Sequence[Classifier], found)
    weight = torch.cat([each.weight for each in every], dim=1) / len(every)
    return Classifier(weight, torch.stack([each.bias for each in every]).mean(dim=0))
