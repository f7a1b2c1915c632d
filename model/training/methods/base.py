"""What a training method provides: a module with the heads it adds to the towers, and its loss.

One file in this folder and one line in `model.methods` make a method (docs/extending.md). It must have `options`
and `loss`; everything else has a default that does for a plain network shared by sketches and photos.

A step depends on the recipe, the data and its number alone, so that a killed run goes on as if nothing had
happened: what a method remembers from step to step (queues, clusters) is a buffer, which is saved with the state,
and what `start` computes can be computed again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.training import anchors
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import MODALITIES, PHOTO, semantic_vectors
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.sampling import Sampler, StepSampler
from model.training.views import Annotations, Views


@dataclass(frozen=True)
class Seen:
    """What one step shows a method: a batch, embedded once, when first asked for, and what is known of it.

    All tensors have a row for each picture and lie on the device that trains.

    `rows`: its row of the views; `own_photo`: the row of the photo it was drawn from, -1 without one. The first
    `evenly` pictures were drawn label by label; after them come instances, sketches beside their very photos.
    """

    step: int
    learner: Learner
    inputs: Tensor
    rows: Tensor
    labels: Tensor
    modality: Tensor
    own_photo: Tensor
    evenly: int
    # Which of the recipe's captions this step names labels with.
    caption: int
    known: Annotations

    @cached_property
    def features(self) -> Tensor:
        """Pooled features (n, width) of the tower, with their graph."""
        with self.learner.autocast(self.inputs.device.type):
            return self.learner.features(self.inputs)

    @cached_property
    def embedded(self) -> Tensor:
        """Unit embeddings (n, d), with their graph; nothing subtracted."""
        features = self.features
        with self.learner.autocast(self.inputs.device.type):
            return F.normalize(self.learner.project(features).float(), dim=-1)

    @property
    def pairs(self) -> Tensor:
        """Alike where two pictures are a photo and a sketch of it: the photo's row, -1 where there is none."""
        return torch.where(self.modality == PHOTO, self.rows, self.own_photo)

    def captions(self) -> Tensor:
        """Unit embeddings (n, d) of each picture's label in words."""
        shown, back = torch.unique(self.labels, return_inverse=True)
        return self._said(shown.cpu())[back]

    def vocabulary(self) -> Tensor:
        """Unit embeddings (labels, d) of all labels in words."""
        return self._said(slice(None))

    def _said(self, labels: Tensor | slice) -> Tensor:
        assert self.known.words is not None, "a method that reads labels names Need.WORDS among its needs"
        return self.learner.texts(self.known.words[labels, self.caption].to(self.inputs.device))


class Method(nn.Module, ABC):
    """`options` validates the recipe's block of that name; `needs` are checked before any work."""

    options: ClassVar[type[Options]] = Options
    needs: ClassVar[frozenset[Need]] = frozenset({Need.BOTH_MODALITIES})
    # What a model card says joined the towers.
    title: ClassVar[str]

    def __init__(self, options: Options, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        # What is subtracted from the embeddings of each modality; zeros leave a plain Siamese network.
        self.encodings = nn.Parameter(torch.zeros(MODALITIES, dimension), requires_grad=False)

    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        """Closed forms before the first step; called anew before a run that goes on, then overwritten by its state.

        All methods on the lite towers begin with the photos' principal directions, so that one thing differs.
        """
        if isinstance(learner, LiteLearner):
            anchors.lay(learner, views, known)

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Sampler:
        """Which rows each step shows."""
        return StepSampler(known.records, known.own_photo, batch, instances, seed)

    @abstractmethod
    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        """Each term by name, unweighted, and `total`, with their graph."""

    def after(self, seen: Seen) -> None:
        """Called once the optimiser has stepped: moving averages, queues, clusters."""

    def finish(self, learner: Learner, views: Views, known: Annotations) -> bool:
        """Closed forms after the last step, on the weights that are kept; whether that changed any vector."""
        return False

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        """The unit vectors (n, d) that an index holds. A published model computes exactly this."""
        return semantic_vectors(learner.images(inputs), self.encodings, modality)

    def score(self, learner: Learner, sketches: Tensor, photos: Tensor) -> Tensor | None:
        """How well each prepared sketch fits each prepared photo (q, n), for a second stage; None: it has none."""
        return None

    def explain(self, learner: Learner, sketch: Tensor, photo: Tensor) -> Mapping[str, Any] | None:
        """Which parts of one prepared sketch met which of one prepared photo; None: it cannot say."""
        return None
