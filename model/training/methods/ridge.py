"""Ridge regression from a sketch's vector to that of its own photo: what CVAE and its like must beat.

A closed form, found by `start`: nothing is trained, and steps only tell how far predictions are off. Vectors are those
of CVAE: pooled maps of the tower, standardised, of which an index holds the principal numbers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from model.training.blocks.pooled import Pooled, PooledOptions, leave_heads
from model.training.blocks.quads import Part, Quads
from model.training.learners.base import Learner
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.views import Annotations, Views


class RidgeOptions(PooledOptions):
    """`penalty` on the squares of the weights, times the sketches: as many numbers are standardised, as 1 each."""

    penalty: float = Field(default=10.0, gt=0)


class Ridge(Method):
    options = RidgeOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.PAIRS})
    title = "ridge regression"
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType({"tower": "nothing"})
    learns = False
    weight: Tensor

    def __init__(self, options: RidgeOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.penalty = options.penalty
        self.pooled = Pooled(options.stages, dimension)
        self.register_buffer("weight", torch.empty(0))
        # An optimiser must have something to hold; it stays zero.
        self.idle = nn.Parameter(torch.zeros(()))

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        leave_heads(learner)
        self.fit(learner, views.images([0], 0))
        self.pooled.measure(learner, views, known)
        self.weight.copy_(self._solved(learner, views, known))

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        width = self.pooled.fit(learner, example)
        self.weight = torch.zeros(width, width)

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Quads:
        pair = (Part.SKETCH, Part.OWN)
        return Quads(known.records, known.own_photo, batch, seed, pair, paired=True)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        """The mean squared error; `total` adds zero times a parameter, so that a step can be taken, to nowhere."""
        sketch, photo = self.pooled(learner, seen.inputs, seen.modality).chunk(2)
        error = (sketch @ self.weight - photo).square().mean().detach()
        return {"error": error, "total": error + 0 * self.idle}

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        """Photos as they are; for sketches, the photo predicted."""
        vectors = self.pooled(learner, inputs, modality)
        drawn = modality == SKETCH
        vectors[drawn] = (vectors[drawn] @ self.weight).float()
        return self.pooled.reduced(vectors)

    def _solved(self, learner: Learner, views: Views, known: Annotations) -> Tensor:
        """The weights (width, width): a standardised sketch times them is nearest to its standardised photo."""
        drawn = np.flatnonzero(known.own_photo >= 0)
        shown, back = np.unique(known.own_photo[drawn], return_inverse=True)
        sketches, photos = (
            self.pooled.standard(self.pooled.of(learner, views, rows), torch.full((len(rows),), kind))
            for rows, kind in ((drawn, SKETCH), (shown, PHOTO))
        )
        square = sketches.T @ sketches
        square.diagonal().add_(self.penalty * len(sketches))
        found: Tensor = torch.linalg.solve(square, sketches.T @ photos[torch.from_numpy(back)])
        return found
