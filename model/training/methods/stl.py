"""Semi-transductive learning, reconstructed: photos of unseen classes are seen, without labels, during training.

The paper (Ge et al., AAAI 2023; only its abstract and weights were to be had) searches galleries that hold seen and
unseen classes. A ranking by meaning joins sketches and photos; photos without labels shape and calibrate the space.
The formulas are ours:

    `triplet`: margins grow with how little two labels mean the same, `margin` * (1 - cos of their words);
    `clusters`: the unlabelled photos are grouped by their features before training (k-means), and each that is surely
    of its group, a posterior of .8, is told to be nearest to its group's mean;
    `calibration`: a photo with a label is certain which seen class it is of, one without is not: 1 - entropy / maximum.

The means of groups and classes follow what is shown of them, step by step. The paper's separate lower layers for
sketches are left out: all methods here have one tower. Figures of it belong in a block of their own where the
unlabelled photos are those searched.
"""

from dataclasses import replace
from types import MappingProxyType

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from model.training.anchors import lay_words, plain_features
from model.training.blocks import clusters
from model.training.blocks.targets import certainty
from model.training.learners.base import Learner
from model.training.losses.contrast import triplet_loss, word_margins
from model.training.losses.encodings import PHOTO
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.views import Annotations, Views

KEEP = 0.9


class StlOptions(Options):
    """`groups`: as many as the unlabelled photos may have classes, or twice that; `heat`: of posteriors over means."""

    margin: float = Field(default=0.4, gt=0)
    groups: int = Field(default=40, ge=1)
    sure: float = Field(default=0.8, ge=0, le=1)
    heat: float = Field(default=0.1, gt=0)
    clusters: float = Field(default=0.5, ge=0)
    calibration: float = Field(default=0.1, ge=0)


class Stl(Method):
    options = StlOptions
    needs = frozenset({Need.CLASSES, Need.WORDS, Need.UNLABELLED})
    title = "semi-transductive learning (reconstructed)"
    # As many unlabelled photos as a third of all pictures of a step come beside these.
    recipe = MappingProxyType({"batch": 64})

    margins: Tensor
    own: Tensor
    surely: Tensor
    groups: Tensor
    classes: Tensor
    shown: Tensor

    def __init__(self, options: StlOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        for name in ("margins", "own", "surely", "groups", "classes", "shown"):
            self.register_buffer(name, torch.zeros(0))
        self._met: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        super().start(learner, views, known)
        assert known.unlabelled is not None
        assert known.words is not None
        self.margins = word_margins(_meant(learner, known.words), self.settings.margin)
        features = plain_features(learner, known.unlabelled, range(len(known.unlabelled)))
        spread = F.normalize(features - features.mean(0), dim=-1)
        self.own = clusters.kmeans(spread, self.settings.groups, len(spread))
        count = int(self.own.max()) + 1
        near = spread @ clusters.means(spread, self.own, count).T / self.settings.heat
        self.surely = near.softmax(dim=1).gather(1, self.own[:, None])[:, 0] >= self.settings.sure
        self.groups = clusters.means(_embedded(learner, features), self.own, count)
        photos = torch.from_numpy(known.modality == PHOTO)
        labels = torch.from_numpy(known.labels)[photos]
        placed = _embedded(learner, plain_features(learner, views, torch.nonzero(photos)[:, 0].tolist()))
        self.classes = clusters.means(placed, labels, len(known.names))
        self.shown = torch.bincount(labels, minlength=len(known.names)) > 0

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        rows, others = self._others(seen)
        found = {
            "triplet": triplet_loss(seen.embedded, seen.labels, seen.modality, self.margins),
            "clusters": self._grouped(rows, others),
            "calibration": self._calibrated(seen.embedded[seen.modality == PHOTO], others),
        }
        self._met = (rows, others.detach())
        total = found["triplet"] + self.settings.clusters * found["clusters"]
        return found | {"total": total + self.settings.calibration * found["calibration"]}

    @torch.no_grad()
    def after(self, seen: Seen) -> None:
        photos = seen.modality == PHOTO
        clusters.follow(self.classes, seen.embedded.detach()[photos], seen.labels[photos], KEEP)
        if self._met is not None:
            rows, others = self._met
            clusters.follow(self.groups, others, self.own[rows], KEEP)
        self._met = None

    def finish(self, learner: Learner, views: Views, known: Annotations) -> bool:
        """Lay the words, which nothing has trained; pictures stay where they are."""
        lay_words(learner, views, known)
        return False

    def _others(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Some unlabelled photos: their rows, and their embeddings."""
        assert seen.known.unlabelled is not None
        count = max(1, len(seen.rows) // 2)
        # Torch is seeded for each step.
        rows = torch.randperm(len(self.own))[:count]
        inputs = seen.known.unlabelled.images(rows.tolist(), seen.step).to(seen.inputs.device)
        return rows.to(inputs.device), replace(seen, inputs=inputs).embedded

    def _grouped(self, rows: Tensor, others: Tensor) -> Tensor:
        sure = self.surely[rows]
        if not bool(sure.any()):
            return others.sum() * 0.0
        return F.cross_entropy(others[sure] @ self.groups.T / self.settings.heat, self.own[rows[sure]])

    def _calibrated(self, photos: Tensor, others: Tensor) -> Tensor:
        """How certain unlabelled photos are of a seen class, less how certain labelled ones are; from -1 to 1."""
        means = self.classes[self.shown].T / self.settings.heat
        known = certainty(photos @ means).mean() if len(photos) else photos.sum()
        return certainty(others @ means).mean() - known


def _meant(learner: Learner, words: Tensor) -> Tensor:
    """A vector for each label: what a frozen text tower made of its captions, or else what the tower says now."""
    if not words.is_floating_point():
        count = len(words)
        words = learner.texts(words.flatten(0, 1))
        words = words.reshape(count, -1, words.shape[-1])
    return F.normalize(words, dim=-1).mean(1)


def _embedded(learner: Learner, features: Tensor) -> Tensor:
    return F.normalize(learner.project(features).float(), dim=-1)
