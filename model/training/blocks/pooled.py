"""Pooled maps: what some stages of the network say of a picture, averaged over its places, in a row.

Methods that leave the tower as it is learn from these vectors. Each modality is standardised by its own mean and
deviation, and vectors are shortened to the photos' principal directions, both as measured before training.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from model.errors import ModelError
from model.training.anchors import evenly, principal
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import MODALITIES, PHOTO, SKETCH
from model.training.options import Options
from model.training.views import Annotations, Views

# A number that hardly varies is noise, which dividing by its deviation would make as loud as the others.
_LEAST = 1e-3


class PooledOptions(Options):
    """`stages`: whose maps stand beside the features of the whole."""

    stages: tuple[int, ...] = (3, 4, 6)

    def check(self, towers: str) -> None:
        if towers != "lite":
            raise ValueError("maps of single stages come from `lite` towers only")


class Pooled(nn.Module):
    """Standardised vectors of prepared pictures, and their `kept` principal numbers."""

    mean: Tensor
    deviation: Tensor
    directions: Tensor

    def __init__(self, stages: tuple[int, ...], kept: int) -> None:
        super().__init__()
        self.stages, self.kept = stages, kept
        for name in ("mean", "deviation", "directions"):
            self.register_buffer(name, torch.empty(0))

    def forward(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        """Standardised vectors (n, width)."""
        return self.standard(self.raw(learner, inputs), modality)

    def raw(self, learner: Learner, inputs: Tensor) -> Tensor:
        with learner.autocast(inputs.device.type):
            found = learner.maps(inputs, self.stages)
        parts = (found.whole, *(each.float().mean(dim=(2, 3)) for each in found.stages))
        return torch.cat([each.float() for each in parts], dim=1)

    def standard(self, raw: Tensor, modality: Tensor) -> Tensor:
        return (raw - self.mean[modality]) / self.deviation[modality]

    def reduced(self, vectors: Tensor) -> Tensor:
        """Unit vectors (n, kept) of standardised ones, whose inner products are nearly the cosines of these."""
        with torch.autocast(vectors.device.type, enabled=False):
            return F.normalize(vectors.float() @ self.directions.T, dim=-1)

    def numbers(self, vectors: Tensor, count: int) -> Tensor:
        """The first principal numbers of standardised vectors, scaled so that they vary by about one."""
        found: Tensor = vectors @ self.directions[:count].T
        return found / math.sqrt(vectors.shape[1] / count)

    def with_numbers(self, numbers: Tensor) -> Tensor:
        """The standardised vectors that have these principal numbers, and no others."""
        count, width = numbers.shape[1], self.directions.shape[1]
        made: Tensor = numbers @ self.directions[:count]
        return made * math.sqrt(width / count)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> int:
        """Make room for what `measure` finds, and return the width."""
        width = self.raw(learner, example).shape[1]
        if width < self.kept:
            raise ModelError(
                f"vectors of {self.kept} numbers cannot be made of {width}: use a smaller `dimension`, or more `stages`"
            )
        self.mean, self.deviation = torch.zeros(MODALITIES, width), torch.ones(MODALITIES, width)
        self.directions = torch.zeros(self.kept, width)
        return width

    @torch.no_grad()
    def measure(self, learner: Learner, views: Views, known: Annotations) -> None:
        """Set means, deviations and directions; every label weighs the same."""
        self._level(learner, views, known, SKETCH)
        photos, even = self._level(learner, views, known, PHOTO)
        told = torch.full((len(photos),), PHOTO)
        self.directions.copy_(principal(self.standard(photos, told), even, self.kept))

    def _level(self, learner: Learner, views: Views, known: Annotations, kind: int) -> tuple[Tensor, Tensor]:
        """Set mean and deviation of a modality; return what `raw` says of its pictures, and their weights."""
        rows = np.flatnonzero(known.modality == kind)
        raw, even = self.of(learner, views, rows), evenly(known.labels[rows])
        self.mean[kind] = even @ raw
        self.deviation[kind] = (even @ (raw - self.mean[kind]).square()).sqrt().clamp(min=_LEAST)
        return raw, even

    @torch.no_grad()
    def of(self, learner: Learner, views: Views, rows: NDArray[np.int64]) -> Tensor:
        """What `raw` says of these pictures themselves, without augmentation."""
        return views.said(f"pooled {self.stages}", learner, rows, lambda inputs: self.raw(learner, inputs))


def leave_heads(learner: Learner) -> None:
    """Keep the tower's own projections as they are: nothing is embedded by them."""
    if isinstance(learner, LiteLearner):
        for head in (learner.projection, learner.text):
            head.requires_grad_(False)
