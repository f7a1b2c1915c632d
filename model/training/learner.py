"""What learns: towers, projections, modality encodings and the modality classifier, in one torch module.

`LiteLearner` trains the later stages of an EfficientNet on what its frozen first stages make of a picture, so
that those can be computed once. `ClipLearner` trains a whole open_clip model. Both answer `images` and
`texts` with unit embeddings of one space.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones import packages
from model.backbones.towers import TextTower, minilm, pretrained
from model.errors import ModelError
from model.training.losses import MODALITIES
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


class Learner(nn.Module, ABC):
    """Encodings start as the paper's: drawn from N(0, 1), one row for each modality."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.encodings = nn.Parameter(torch.randn(MODALITIES, dimension))
        self.classifier = nn.Linear(dimension, MODALITIES)

    @abstractmethod
    def images(self, inputs: Tensor) -> Tensor:
        """Unit embeddings (n, d) of what `prepare` made."""

    @abstractmethod
    def prepare(self, pixels: Tensor) -> Tensor:
        """(n, size, size, 3) bytes to what `images` takes; never needs a gradient."""

    @abstractmethod
    def texts(self, inputs: Tensor) -> Tensor:
        """Unit embeddings (n, d) of what `read` made."""

    @abstractmethod
    def read(self, captions: Sequence[str]) -> Tensor:
        """Captions to what `texts` takes; never needs a gradient."""

    @abstractmethod
    def tower_parameters(self) -> Iterator[nn.Parameter]:
        """What is pretrained and learns at the tower's rate; all the rest learns at the heads' rate."""

    def scale(self, fixed: float) -> Tensor:
        """The logarithm of the temperature's inverse: the recipe's, where the tower has none of its own."""
        return torch.tensor(fixed)

    def groups(self, recipe: Recipe) -> list[dict[str, object]]:
        """Parameter groups for the optimiser, each with its rate; biases and norms do not decay."""
        tower = [value for value in self.tower_parameters() if value.requires_grad]
        known = {id(value) for value in tower}
        heads = [value for value in self.parameters() if value.requires_grad and id(value) not in known]
        decays = recipe.weight_decay
        return [
            {"params": [v for v in tower if v.ndim > 1], "rate": recipe.tower_rate, "weight_decay": decays},
            {"params": [v for v in tower if v.ndim <= 1], "rate": recipe.tower_rate, "weight_decay": 0.0},
            {"params": heads, "rate": recipe.head_rate, "weight_decay": decays},
        ]


class LiteLearner(Learner):
    """A timm EfficientNet whose first stages are frozen, and a linear map of frozen sentence vectors."""

    backbone: Any

    def __init__(
        self, backbone: nn.Module, words: Callable[[Sequence[str]], Tensor] | None, recipe: Recipe
    ) -> None:
        super().__init__(recipe.dimension)
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.frozen_stages = recipe.frozen_stages
        self.projection = nn.Linear(self.backbone.num_features, recipe.dimension, bias=False)
        self.text = nn.Linear(WORDS, recipe.dimension)
        self._words = words
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

    def features(self, prepared: Tensor) -> Tensor:
        values = prepared
        for stage in self.backbone.blocks[self.frozen_stages :]:
            values = stage(values)
        pooled: Tensor = self.backbone.bn2(self.backbone.conv_head(values)).float().mean(dim=(2, 3))
        return pooled

    def images(self, inputs: Tensor) -> Tensor:
        return F.normalize(self.projection(self.features(inputs)).float(), dim=-1)

    def texts(self, inputs: Tensor) -> Tensor:
        return F.normalize(self.text(inputs).float(), dim=-1)

    def read(self, captions: Sequence[str]) -> Tensor:
        if self._words is None:
            raise ModelError("this learner has no text tower: build it with its pretrained weights")
        return self._words(captions)

    def tower_parameters(self) -> Iterator[nn.Parameter]:
        yield from self.backbone.parameters()
        yield from self.projection.parameters()
        yield from self.text.parameters()

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


class ClipLearner(Learner):
    """Any open_clip model, all of it trained, as the authors do."""

    model: Any
    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, tokenizer: Callable[[list[str]], Tensor], recipe: Recipe) -> None:
        super().__init__(recipe.dimension)
        self.model = model
        # The authors reset CLIP's temperature; it learns on at the tower's rate, that is, hardly.
        self.model.logit_scale.data.fill_(recipe.logit_scale)
        self._tokenize = tokenizer
        mean, std = self.model.visual.image_mean, self.model.visual.image_std
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    def prepare(self, pixels: Tensor) -> Tensor:
        return pixels.permute(0, 3, 1, 2).contiguous()

    def images(self, inputs: Tensor) -> Tensor:
        scaled = (inputs.float() - self.mean) / self.std
        return F.normalize(self.model.encode_image(scaled).float(), dim=-1)

    def texts(self, inputs: Tensor) -> Tensor:
        return F.normalize(self.model.encode_text(inputs).float(), dim=-1)

    def scale(self, fixed: float) -> Tensor:
        scale: Tensor = self.model.logit_scale
        return scale

    def read(self, captions: Sequence[str]) -> Tensor:
        return self._tokenize(list(captions))

    def tower_parameters(self) -> Iterator[nn.Parameter]:
        yield from self.model.parameters()


def build(recipe: Recipe, *, random_weights: bool = False) -> Learner:
    """The learner of a recipe with its pretrained towers; random ones, without words, are for tests."""
    if recipe.towers == "open_clip":
        return _clip(recipe, random_weights)
    if random_weights:
        backbone = timm.create_model(recipe.architecture, pretrained=False, num_classes=0)
        return LiteLearner(backbone, None, recipe)
    tensors = torch.load(packages.find(packages.LITE2), map_location="cpu", weights_only=True)
    words = Words(
        minilm(packages.find(packages.MINILM)), WordPiece.from_file(packages.find(packages.VOCABULARY))
    )
    return LiteLearner(pretrained(recipe.architecture, tensors), words, recipe)


def _clip(recipe: Recipe, random_weights: bool) -> ClipLearner:
    from model.backbones import open_clip

    model = open_clip.create(recipe.architecture, None if random_weights else recipe.pretrained)
    return ClipLearner(model, open_clip.tokenizer(recipe.architecture), recipe)
