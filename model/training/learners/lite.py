"""An image network with its first stages frozen, and a linear map of frozen sentence vectors.

The output of the frozen stages can be computed once per picture (`model.training.views`); the later stages, the
projection and the words' map are trained.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones import BACKBONES, packages
from model.backbones.base import DEFAULT, Built, scaling
from model.backbones.minilm import TextTower, minilm
from model.backbones.timm import described
from model.backbones.tokens import Maps, Tokens
from model.errors import ModelError
from model.training.depthwise import quicken
from model.training.learners.base import Learner
from model.training.recipe import Recipe
from model.words.wordpiece import WordPiece

WORDS = 384


@dataclass(frozen=True)
class Words:
    """A frozen text tower and its tokenizer."""

    tower: TextTower
    pieces: WordPiece

    @torch.no_grad()
    def __call__(self, captions: Sequence[str]) -> Tensor:
        tokens = self.pieces(captions)
        vectors: Tensor = self.tower(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.mask))
        return vectors


class LiteLearner(Learner):
    """Without `words`, it trains on pictures only. `classifier` is what its network classified with, if known."""

    half_on_cpu = True
    backbone: Any
    pixel_scale: Tensor
    pixel_shift: Tensor

    def __init__(
        self, backbone: Built | nn.Module, words: Callable[[Sequence[str]], Tensor] | None, recipe: Recipe
    ) -> None:
        """A bare network is taken to be one of timm's."""
        super().__init__()
        built = backbone if isinstance(backbone, Built) else described(backbone)
        self.backbone = built.network.to(memory_format=torch.channels_last)
        self.frozen_stages = recipe.frozen_stages
        self.stages = built.cut(recipe.frozen_stages)
        self.preprocessing = built.preprocessing
        scale, shift = scaling(built.preprocessing.mean, built.preprocessing.std)
        self.register_buffer("pixel_scale", scale, persistent=False)
        self.register_buffer("pixel_shift", shift, persistent=False)
        self.projection = nn.Linear(built.width, recipe.dimension, bias=False)
        self.text = nn.Linear(WORDS, recipe.dimension)
        self._words = words
        self.reads_words = words is not None
        self.classifier = built.classifier
        self._freeze(recipe.tower)
        self.train()

    def prepare(self, pixels: Tensor) -> Tensor:
        scaled = pixels.permute(0, 3, 1, 2).float() * self.pixel_scale - self.pixel_shift
        pictures = scaled.contiguous(memory_format=torch.channels_last)
        return self.stages.before(self.frozen_stages, pictures).float()

    def features(self, inputs: Tensor) -> Tensor:
        return self.stages.after(self.frozen_stages, inputs)

    def tokens(self, inputs: Tensor) -> Tokens:
        return self.stages.tokens(self.frozen_stages, inputs)

    def maps(self, inputs: Tensor, stages: Sequence[int]) -> Maps:
        return self.stages.maps(self.frozen_stages, inputs, stages)

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
        """Keep batch norms in evaluation mode: statistics of a batch would mix the modalities."""
        super().train(mode)
        self.backbone.eval()
        return self

    def _freeze(self, tower: str) -> None:
        if tower != "later-stages":
            self.backbone.requires_grad_(False)
        if tower == "norms":
            for module in self.backbone.modules():
                if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
                    module.requires_grad_(True)
        for module in self.stages.frozen(self.frozen_stages):
            module.requires_grad_(False)
        for module in self.backbone.modules():
            # Depthwise kernels hold 2 % of the weights; their gradient takes most of a CPU's backward pass.
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.requires_grad_(False)
        quicken(self.backbone)


def towers(
    recipe: Recipe, *, random_weights: bool = False
) -> tuple[Built, Callable[[Sequence[str]], Tensor] | None]:
    """Build the pretrained backbone and text tower of a recipe; a random one, without words, is for tests."""
    backbone = BACKBONES.load(recipe.family)()
    if random_weights:
        return backbone.build(recipe.architecture, None, recipe.size), None
    built = backbone.build(recipe.architecture, recipe.pretrained or DEFAULT, recipe.size)
    words = Words(
        minilm(packages.find(packages.MINILM)), WordPiece.from_file(packages.find(packages.VOCABULARY))
    )
    return built, words
