"""Siamese triplets: each sketch nearer to the photos of its label than to any others, by one tower for both.

What preceded all methods here, and what each of them has to beat. Nothing is subtracted from embeddings.
"""

from pydantic import Field
from torch import Tensor

from model.training.learners.base import Learner
from model.training.losses import contrast
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options


class SiameseOptions(Options):
    margin: float = Field(default=contrast.TRIPLET_MARGIN, gt=0)


class Siamese(Method):
    options = SiameseOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES})
    title = "Siamese triplets"

    def __init__(self, options: SiameseOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.margin = options.margin

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        found = contrast.triplet_loss(seen.embedded, seen.labels, seen.modality, self.margin)
        return {"triplet": found, "total": found}
