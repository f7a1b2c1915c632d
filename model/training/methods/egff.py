"""EGFF: maps of three stages, fused by energy, learn classes without regard to modality (NPL 2022).

A lower stage's map counts at each place by SimAM's energy of itself and the deepest map together; all are pooled by
their greatest value, projected, and trained as a classifier of cosines to one proxy for each label, by a temperature
of .05 (`model.training.blocks.fusing` and `classes` have the formulas).

Ours: stages 3, 4 and 6 of an EfficientNet in place of a SE-ResNet-50's last three; lower ones are fixed. The authors
train proxies at a rate of .1, the network at 1e-5, and the proxies alone first. Here heads have one rate; the
projection starts as the photos' principal directions, levels brought to one scale, and proxies as their labels' means.
An enlarged map is interpolated bilinearly, which may differ from theirs.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.anchors import principal, some_of_each
from model.training.blocks.classes import TEMPERATURE, Proxies, over
from model.training.blocks.fusing import Fusing, Gate, Pooling
from model.training.learners.base import Learner
from model.training.losses.encodings import PHOTO
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.views import Annotations, Views


class EgffOptions(Options):
    """`stages` from the lowest to the deepest, counted from 0; the last frozen one is the lowest there is."""

    stages: tuple[int, ...] = Field(default=(3, 4, 6), min_length=1)
    gate: Gate = "energy"
    pooling: Pooling = "max"
    temperature: float = Field(default=TEMPERATURE, gt=0)


class Egff(Method):
    options = EgffOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES})
    title = "EGFF"
    # Made by `fit` and, for the labels there are, by `start`.
    fusing: Fusing
    projection: nn.Linear
    proxies: Proxies

    def __init__(self, options: EgffOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        self.fit(learner, views.images([0], 0))
        photos = some_of_each(known, PHOTO)
        self._lay(over(lambda inputs: self._fused(learner, inputs), views, photos))
        self.proxies = Proxies(len(known.names), self.dimension, self.settings.temperature)
        self.proxies.lay(lambda inputs, kind: self.embed(learner, inputs, kind), views, known)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        maps = learner.maps(example, self.settings.stages).stages
        self.channels = [each.shape[1] for each in maps]
        with torch.random.fork_rng():
            torch.manual_seed(sum(self.channels))
            self.fusing = Fusing(self.channels, self.settings.gate, self.settings.pooling)
            self.projection = nn.Linear(sum(self.channels), self.dimension, bias=False)

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        with learner.autocast(inputs.device.type):
            projected = self.projection(self._fused(learner, inputs))
        return F.normalize(projected.float(), dim=-1)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        vectors = self.embed(learner, seen.inputs, seen.modality)
        proxies = self.proxies.loss(vectors, seen.labels)
        return {"proxies": proxies, "total": proxies}

    def _fused(self, learner: Learner, inputs: Tensor) -> Tensor:
        return self.fusing.fused(learner.maps(inputs, self.settings.stages).stages)

    def _lay(self, fused: Tensor) -> None:
        """Start with the principal directions of these photos, each level's numbers divided by how much they vary."""
        centred = fused - fused.mean(0)
        levels = torch.split(centred, self.channels, dim=1)
        scale = torch.cat(
            [level.square().mean().sqrt().clamp(min=1e-6).expand(level.shape[1]) for level in levels]
        )
        even = torch.full((len(fused),), 1 / len(fused))
        found = principal(F.normalize(fused / scale, dim=-1), even, self.dimension)
        self.projection.weight[: len(found)] = found / scale
