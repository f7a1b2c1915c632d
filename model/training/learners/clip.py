"""Train all of any open_clip model, as the authors of MA-SBIR do."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.pictures.preprocessing import Preprocessing
from model.training.learners.base import Learner
from model.training.recipe import Recipe


class ClipLearner(Learner):
    """Takes pictures as they are: no part of the tower is frozen, so nothing can be precomputed."""

    model: Any
    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, tokenizer: Callable[[list[str]], Tensor]) -> None:
        super().__init__()
        self.model = model
        self._tokenize = tokenizer
        self.preprocessing = _preprocessing(self.model.visual)
        mean, std = self.model.visual.image_mean, self.model.visual.image_std
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    @property
    def logit_scale(self) -> nn.Parameter:
        scale: nn.Parameter = self.model.logit_scale
        return scale

    def prepare(self, pixels: Tensor) -> Tensor:
        return pixels.permute(0, 3, 1, 2).contiguous()

    def features(self, inputs: Tensor) -> Tensor:
        scaled = (inputs.float() - self.mean) / self.std
        found: Tensor = self.model.encode_image(scaled)
        return found

    def project(self, features: Tensor) -> Tensor:
        """Return the features: the tower has already applied its own projection."""
        return features

    def read(self, captions: Sequence[str]) -> Tensor:
        return self._tokenize(list(captions))

    def texts(self, inputs: Tensor) -> Tensor:
        return F.normalize(self.model.encode_text(inputs).float(), dim=-1)


def towers(
    recipe: Recipe, *, random_weights: bool = False
) -> tuple[nn.Module, Callable[[list[str]], Tensor]]:
    """Build the recipe's model with its pretrained weights, or random ones for tests, and its tokenizer."""
    from model.backbones import open_clip

    model = open_clip.create(recipe.architecture, None if random_weights else recipe.pretrained, recipe.size)
    return model, open_clip.tokenizer(recipe.architecture)


def _preprocessing(visual: nn.Module) -> Preprocessing:
    # Imported here because it takes seconds and the shipped recipe does not need it.
    from model.backbones.open_clip import preprocessing

    return preprocessing(visual)
