"""SAKE: a network that learns sketches keeps what ImageNet taught it of photos (Liu et al., ICCV 2019).

Two heads read the embedding: one tells the seen classes, of sketches and photos; one tells ImageNet's, of photos only,
and learns what the network said before training, nudged towards the classes that WordNet relates to the label.
Projection and head start as the authors' code has them: the main directions of the ImageNet classifier.

Ours: the network is EfficientNet rather than a squeeze-excite ResNet, so that their gate by modality is `gate`, a FiLM
of the last stage's map, off by default; embeddings have the recipe's width rather than 64; a third of a batch are
sketches, as theirs, in the proportion of 32 to 64.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.anchors import lay_words
from model.training.blocks import synsets
from model.training.blocks.condition import Film
from model.training.blocks.targets import soft_cross_entropy
from model.training.blocks.teacher import Teacher, teach
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import PHOTO
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.sampling import ShareSampler
from model.training.views import Annotations, Views
from model.words import wordnet

# How much of a batch are sketches.
SKETCHES = 1 / 3


class SakeOptions(Options):
    """`nudge`: how much WordNet adds to the teacher's logits; 0 does without it."""

    nudge: float = Field(default=0.3, ge=0)
    gate: bool = False

    def check(self, towers: str) -> None:
        if self.gate and towers != "lite":
            raise ValueError("`gate` needs the maps of stages, which only the lite towers have")


class Sake(Method):
    options = SakeOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.TEACHER})
    title = "SAKE"

    nudges: Tensor

    def __init__(self, options: SakeOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        if options.nudge:
            self.needs = type(self).needs | {Need.WORDNET}
        self.classes: nn.Module = nn.Identity()
        self.teacher: nn.Module = nn.Identity()
        self.film: nn.Module = nn.Identity()
        self.register_buffer("nudges", torch.zeros(0), persistent=False)
        self.taught: Teacher | None = None

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        self.taught, self.classes, self.teacher = teach(learner, len(known.names), self.dimension)
        self.fit(learner, views.images([0], 0))
        if self.settings.nudge:
            nouns = wordnet.read()
            senses = synsets.label_synsets(known.records, known.names, nouns)
            self.nudges = self.settings.nudge * synsets.nearness(
                [senses[name] for name in known.names], nouns
            )

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        if self.settings.gate:
            self.film = Film(learner.maps(example, [_last(learner)]).stages[0].shape[1])

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> ShareSampler:
        return ShareSampler(known.records, batch, SKETCHES, seed)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        """`classes` of all pictures; `teacher` of photos. The authors add them up as they are."""
        codes = self._codes(learner, seen)
        classes = F.cross_entropy(self.classes(codes), seen.labels)
        photos = seen.modality == PHOTO
        teacher = soft_cross_entropy(self._targets(learner, seen, photos), self.teacher(codes[photos]))
        return {"classes": classes, "teacher": teacher, "total": classes + teacher}

    def finish(self, learner: Learner, views: Views, known: Annotations) -> bool:
        """Lay the words, which nothing has trained; pictures stay where they are."""
        lay_words(learner, views, known)
        return False

    @property
    def publishes(self) -> bool:
        return not self.settings.gate

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        if not self.settings.gate:
            return super().embed(learner, inputs, modality)
        return F.normalize(learner.project(self._gated(learner, inputs, modality)).float(), dim=-1)

    def _codes(self, learner: Learner, seen: Seen) -> Tensor:
        """Embeddings, not of unit length: what both heads read."""
        features = self._gated(learner, seen.inputs, seen.modality) if self.settings.gate else seen.features
        with learner.autocast(seen.inputs.device.type):
            return learner.project(features).float()

    def _gated(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        assert isinstance(learner, LiteLearner)
        with learner.autocast(inputs.device.type):
            values = learner.maps(inputs, [_last(learner)]).stages[0]
            return learner.stages.pooled(self.film(values, modality))

    @torch.no_grad()
    def _targets(self, learner: Learner, seen: Seen, photos: Tensor) -> Tensor:
        assert self.taught is not None
        logits = self.taught.logits(learner, seen.inputs[photos])
        if self.settings.nudge:
            logits = logits + self.nudges[seen.labels[photos]]
        return logits.softmax(dim=1)


def _last(learner: Learner) -> int:
    assert isinstance(learner, LiteLearner)
    return len(learner.stages.later()) - 1
