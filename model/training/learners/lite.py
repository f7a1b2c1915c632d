"""A timm EfficientNet with its first stages frozen, and a linear map of frozen sentence vectors.

What the frozen stages make of a picture can be computed once (`model.training.views`); the later stages, the
projection and the words' map learn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones import packages
from model.backbones.towers import TextTower, minilm, pretrained
from model.errors import ModelError
from model.training.learners.base import Learner
from model.training.recipe import Recipe
from model.words.wordpiece import WordPiece

WORDS = 384


@dataclass(frozen=True)
class Words:
    """A text tower that stays as it is, and what splits text for it."""

    tower: TextTower
    pieces: WordPiece

    @torch.no_grad()
    def __call__(self, captions: Sequence[str]) -> Tensor:
        tokens = self.pieces(captions)
        vectors: Tensor = self.tower(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.mask))
        return vectors


class LiteLearner(Learner):
    """Without `words`, it learns from pictures alone."""

    half_on_cpu = True
    backbone: Any

    def __init__(
        self, backbone: nn.Module, words: Callable[[Sequence[str]], Tensor] | None, recipe: Recipe
    ) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.frozen_stages = recipe.frozen_stages
        self.projection = nn.Linear(self.backbone.num_features, recipe.dimension, bias=False)
        self.text = nn.Linear(WORDS, recipe.dimension)
        self._words = words
        self.reads_words = words is not None
        self._freeze()
        self.train()

    def prepare(self, pixels: Tensor) -> Tensor:
        scaled = pixels.permute(0, 3, 1, 2).float() * (2 / 255) - 1
        values = self.backbone.bn1(
            self.backbone.conv_stem(scaled.contiguous(memory_format=torch.channels_last))
        )
        for stage in self.backbone.blocks[: self.frozen_stages]:
            values = stage(values)
        prepared: Tensor = values.float()
        return prepared

    def features(self, inputs: Tensor) -> Tensor:
        values = inputs
        for stage in self.backbone.blocks[self.frozen_stages :]:
            values = stage(values)
        pooled: Tensor = self.backbone.bn2(self.backbone.conv_head(values)).float().mean(dim=(2, 3))
        return pooled

    def project(self, features: Tensor) -> Tensor:
        embeddings: Tensor = self.projection(features)
        return embeddings

    def read(self, captions: Sequence[str]) -> Tensor:
        if self._words is None:
            raise ModelError("this learner has no text tower: build it with its pretrained weights")
        return self._words(captions)

    def texts(self, inputs: Tensor) -> Tensor:
        return F.normalize(self.text(inputs).float(), dim=-1)

    def train(self, mode: bool = True) -> "LiteLearner":
        """Batch norms stay in evaluation: a batch's own statistics would mix the modalities."""
        super().train(mode)
        self.backbone.eval()
        return self

    def _freeze(self) -> None:
        first = [self.backbone.conv_stem, self.backbone.bn1, *self.backbone.blocks[: self.frozen_stages]]
        for module in first:
            module.requires_grad_(False)
        for module in self.backbone.modules():
            # Depthwise kernels hold 2 % of the weights; their gradient takes most of a CPU's backward pass.
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.requires_grad_(False)


def towers(
    recipe: Recipe, *, random_weights: bool = False
) -> tuple[nn.Module, Callable[[Sequence[str]], Tensor] | None]:
    """The pretrained backbone and text tower of a recipe; a random one, without words, is for tests."""
    if random_weights:
        return timm.create_model(recipe.architecture, pretrained=False, num_classes=0), None
    tensors = torch.load(packages.find(packages.LITE2), map_location="cpu", weights_only=True)
    words = Words(
        minilm(packages.find(packages.MINILM)), WordPiece.from_file(packages.find(packages.VOCABULARY))
    )
    return pretrained(recipe.architecture, tensors), words
