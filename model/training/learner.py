"""What learns: towers, projections, modality encodings and the modality classifier, in one torch module.

`LiteLearner` trains the later stages of an EfficientNet on what its frozen first stages make of a picture, so
that those can be computed once. `ClipLearner` trains a whole open_clip model. Both answer `images` and
`texts` with unit embeddings of one space.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones import BACKBONES, packages
from model.backbones.base import DEFAULT, Built, scaling
from model.backbones.minilm import TextTower, minilm
from model.backbones.timm import described
from model.errors import ModelError
from model.pictures.preprocessing import Preprocessing
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

    # How pictures are made ready before `prepare`; the card of what is learned says so too.
    preprocessing: Preprocessing = Preprocessing()

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
    """An image network whose first stages are frozen, and a linear map of frozen sentence vectors."""

    backbone: Any
    pixel_scale: Tensor
    pixel_shift: Tensor

    def __init__(
        self,
        backbone: Built | nn.Module,
        words: Callable[[Sequence[str]], Tensor] | None,
        recipe: Recipe,
    ) -> None:
        """A bare network is one of timm's."""
        super().__init__(recipe.dimension)
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
        self._freeze()
        self.train()

    def prepare(self, pixels: Tensor) -> Tensor:
        scaled = pixels.permute(0, 3, 1, 2).float() * self.pixel_scale - self.pixel_shift
        pictures = scaled.contiguous(memory_format=torch.channels_last)
        return self.stages.before(self.frozen_stages, pictures).float()

    def features(self, prepared: Tensor) -> Tensor:
        return self.stages.after(self.frozen_stages, prepared)

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
        for module in self.stages.frozen(self.frozen_stages):
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
        self.preprocessing = _preprocessing(self.model.visual)
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
    backbone = BACKBONES.load(recipe.family)()
    if random_weights:
        return LiteLearner(backbone.build(recipe.architecture, None, recipe.size), None, recipe)
    built = backbone.build(recipe.architecture, recipe.pretrained or DEFAULT, recipe.size)
    words = Words(
        minilm(packages.find(packages.MINILM)), WordPiece.from_file(packages.find(packages.VOCABULARY))
    )
    return LiteLearner(built, words, recipe)


def _clip(recipe: Recipe, random_weights: bool) -> ClipLearner:
    from model.backbones import open_clip

    model = open_clip.create(recipe.architecture, None if random_weights else recipe.pretrained, recipe.size)
    return ClipLearner(model, open_clip.tokenizer(recipe.architecture), recipe)


def _preprocessing(visual: nn.Module) -> Preprocessing:
    # Imported where it is used: it takes seconds, and the shipped recipe needs none of it.
    from model.backbones.open_clip import preprocessing

    return preprocessing(visual)
