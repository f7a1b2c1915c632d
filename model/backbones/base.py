"""The interface of a family of image networks, `Backbone`, and the description of one network, `Built`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.backbones import weights
from model.backbones.stages import Stages
from model.errors import ModelError
from model.pictures.preprocessing import Preprocessing, Triple

if TYPE_CHECKING:
    from model.card import Card, Checkpoint

# The default weights: those inside an installed package, or those that the authors recommend.
DEFAULT = "default"


@dataclass(frozen=True)
class Level:
    """A layer with a spatial output: one vector of `channels` for each `reduction` x `reduction` pixels."""

    name: str
    channels: int
    reduction: int


@dataclass(frozen=True)
class Classifier:
    """A linear layer on a network's features, which it was trained with: (1000, width) and (1000,) for ImageNet."""

    weight: Tensor
    bias: Tensor

    def __deepcopy__(self, _: object) -> "Classifier":
        """Share it between copies of a network: it never changes."""
        return self


@dataclass(frozen=True)
class Built:
    """An image network: scaled pixels (n, 3, size, size) to features (n, width)."""

    network: nn.Module
    width: int
    size: int
    # How its authors prepare pictures: scaling of pixels (mean, std) and resizing.
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    # Where it can be cut, so that frozen stages are computed only once in training; not every network can be.
    stages: Stages | None = None
    # Feature maps: `maps(pictures, (1, 3))` gives those of levels 1 and 3, each (n, channels, height, width).
    levels: tuple[Level, ...] = ()
    maps: Callable[[Tensor, Sequence[int]], list[Tensor]] | None = None
    # What it classified ImageNet with, before that was taken off.
    classifier: Classifier | None = None

    def cut(self, count: int) -> Stages:
        """Return the stages, after checking that the first `count` of them can be frozen."""
        stages = self.stages or Stages(self.network)
        if count > len(stages.later()):
            raise ModelError(
                f"{type(self.network).__name__} has {len(stages.later())} stages to freeze, not {count}: "
                "set `frozen_stages` to that or less"
            )
        return stages


class ImageTower(nn.Module):
    """Turns picture bytes into unit embeddings, for sketches and photos alike."""

    scale: Tensor
    shift: Tensor

    def __init__(
        self, backbone: nn.Module, projection: nn.Module | None = None, mean: Triple | None = None,
        std: Triple | None = None
    ) -> None:  # fmt: skip
        super().__init__()
        self.backbone = backbone
        self.projection = projection or nn.Identity()
        scale, shift = scaling(mean or Preprocessing.mean, std or Preprocessing.std)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed (n, size, size, 3) bytes; scaling is part of the graph, so that callers only move bytes."""
        scaled = pixels.permute(0, 3, 1, 2).float() * self.scale - self.shift
        return F.normalize(self.projection(self.backbone(scaled)).float(), dim=-1)


def scaling(mean: Triple, std: Triple) -> tuple[Tensor, Tensor]:
    """`byte * scale - shift` is (byte / 255 - mean) / std."""
    scale = torch.tensor([1 / (255 * each) for each in std]).view(1, 3, 1, 1)
    shift = torch.tensor([middle / each for middle, each in zip(mean, std, strict=True)]).view(1, 3, 1, 1)
    return scale, shift


class Backbone(Protocol):
    """A family of image networks, each identified by the name of its architecture.

    Only `build` is required. A model folder then holds the network's tensors and the projection in one
    file, and MiniLM embeds words; a family with its own text tower opens both by itself.
    """

    # Architectures for the contract test to try.
    small: ClassVar[tuple[str, ...]] = ()

    def build(self, architecture: str, pretrained: str | None = None, size: int | None = None) -> Built:
        """Build a network with random weights, or with those of a name that the family knows, `DEFAULT`, or a file.

        `size`: pixels per side of its input, instead of its own default. Raises ModelError for unknown names.
        """
        ...

    def image_tower(self, checkpoint: "Checkpoint") -> nn.Module:
        """Open the image tower, bytes to unit embeddings, as the card says."""
        card, path = checkpoint.card, checkpoint.file("torch.image")
        tensors = weights.read(path)
        built = self.build(card.image_tower.architecture, None, card.image_tower.size)
        tower = ImageTower(built.network, _projection(tensors), card.preparation.mean, card.preparation.std)
        weights.load(tower, weights.full_precision(tensors), path)
        return tower.eval()

    def text_tower(self, checkpoint: "Checkpoint") -> nn.Module:
        """Open the text tower: token ids and their mask to unit vectors."""
        from model.backbones.minilm import minilm

        return minilm(checkpoint.file("torch.text"))

    def text_length(self, card: "Card") -> int | None:
        """How many tokens its own text tower takes, if it has one to export."""
        return None


def _projection(tensors: Mapping[str, Any]) -> nn.Module | None:
    width = tensors.get("projection.weight")
    return None if width is None else nn.Linear(width.shape[1], width.shape[0], bias=False)


def is_file(pretrained: str | None) -> bool:
    """Whether weights are given as a path rather than as a name that the family knows."""
    return pretrained is not None and Path(pretrained).suffix in {".safetensors", ".pth", ".pt", ".bin"}
