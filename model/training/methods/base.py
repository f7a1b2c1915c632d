"""The interface of a training method: a module with the heads it adds to the towers, and its loss.

One file in this folder and one line in `model.methods` make a method (docs/extending.md). It must have `options`
and `loss`; everything else has a default that suits a plain network shared by sketches and photos.

A step depends only on the recipe, the data and its number, so that a killed run resumes as if nothing had
happened: what a method keeps from step to step (queues, clusters) is a buffer, which is saved with the state,
and what `start` computes can be computed again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.training import anchors
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import MODALITIES, PHOTO, TEXT, semantic_vectors
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.sampling import Sampler, StepSampler
from model.training.views import Annotations, Views


@dataclass(frozen=True)
class Seen:
    """What a method sees in one step: a batch, embedded once, on first use, and its annotations.

    All tensors have one row per picture and are on the training device.

    `rows`: its row of the views; `own_photo`: the row of the photo it was drawn from, -1 without one. The first
    `evenly` pictures were drawn label by label; then come instances, sketches next to their own photos.
    """

    step: int
    learner: Learner
    inputs: Tensor
    rows: Tensor
    labels: Tensor
    modality: Tensor
    own_photo: Tensor
    evenly: int
    # Which of the recipe's captions this step uses for labels.
    caption: int
    known: Annotations

    @cached_property
    def features(self) -> Tensor:
        """Pooled features (n, width) of the tower, with gradients."""
        with self.learner.autocast(self.inputs.device.type):
            return self.learner.features(self.inputs)

    @cached_property
    def embedded(self) -> Tensor:
        """Unit embeddings (n, d), with gradients; nothing subtracted."""
        features = self.features
        with self.learner.autocast(self.inputs.device.type):
            return F.normalize(self.learner.project(features).float(), dim=-1)

    @property
    def pairs(self) -> Tensor:
        """Equal for a photo and the sketches of it: the photo's row, or -1 without one."""
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
    """A training method. `options` validates the recipe's block of that name; `needs` are checked before any work."""

    options: ClassVar[type[Options]] = Options
    # A method whose needs depend on its options sets them in __init__.
    needs: frozenset[Need] = frozenset({Need.BOTH_MODALITIES})
    # What a model card says about how the towers were joined.
    title: ClassVar[str]
    # Fields of a recipe in which it differs from the others, as its authors have it.
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType({})
    # Whether there is anything to train: closed forms are all of some methods.
    learns: ClassVar[bool] = True

    def __init__(self, options: Options, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        # What is subtracted from the embeddings of each modality; zeros leave a plain Siamese network.
        self.encodings = nn.Parameter(torch.zeros(MODALITIES, dimension), requires_grad=False)

    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        """Set closed forms before the first step; also called when a run is resumed, then overwritten by its state.

        All methods on the lite towers start from the photos' principal directions, so that only the method differs.
        """
        if isinstance(learner, LiteLearner):
            anchors.lay(learner, views, known)

    def fit(self, learner: Learner, example: Tensor) -> None:
        """Make the layers whose shapes depend on the network, from one prepared picture: before weights are loaded."""

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Sampler:
        """Return the sampler that chooses the rows of each step."""
        return StepSampler(known.records, known.own_photo, batch, instances, seed)

    @abstractmethod
    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        """Compute each term by name, unweighted, and `total`, with gradients."""

    def after(self, seen: Seen) -> None:
        """Update moving averages, queues, clusters: called after each step of the optimiser."""

    def finish(self, learner: Learner, views: Views, known: Annotations) -> bool:
        """Set closed forms after the last step, on the kept weights; return whether that changed any vector."""
        return False

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        """Compute the unit vectors (n, d) that an index holds, exactly as a published model does."""
        return semantic_vectors(learner.images(inputs), self.encodings, modality)

    def texts(self, learner: Learner, inputs: Tensor) -> Tensor:
        """Compute the unit vectors (n, d) of words, from the output of `Learner.read`."""
        modality = torch.full((len(inputs),), TEXT, device=inputs.device)
        return semantic_vectors(learner.texts(inputs), self.encodings, modality)

    @property
    def publishes(self) -> bool:
        """Whether a model folder can hold it: it embeds as any other, by one tower and what is subtracted."""
        return type(self).embed is Method.embed

    def score(self, learner: Learner, sketches: Tensor, photos: Tensor) -> Tensor | None:
        """Score how well each prepared sketch fits each prepared photo (q, n), for a second stage; None: no scores."""
        return None

    @property
    def scores_pairs(self) -> bool:
        return type(self).score is not Method.score

    def parts(self, learner: Learner, inputs: Tensor) -> Tensor:
        """What `compare` needs of each prepared picture, a row for each: computed once, however many its pairs.

        A method that has nothing to compute beforehand leaves this and `compare` as they are.
        """
        return inputs

    def compare(self, learner: Learner, sketches: Tensor, photos: Tensor) -> Tensor | None:
        """What `score` says, of the `parts` of sketches and photos."""
        return self.score(learner, sketches, photos)

    def explain(
        self, learner: Learner, sketch: Tensor, photo: Tensor, without: Sequence[Sequence[int]] = ()
    ) -> Mapping[str, Any] | None:
        """Show which parts of one prepared sketch matched which of one prepared photo; None if it cannot tell.

        A mapping has `kernel` and `adds` (sketch cells, photo cells): how well each pair of cells fits, and what it
        adds to `logit`, which is all of `adds` and `rest`; and `left`, the logit without each of these sets of photo
        cells. It may have `attention`, a map for the sketch and one for the photo.
        """
        return None
