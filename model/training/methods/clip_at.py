"""CLIP-AT: prompts and norms of a strong network are all that learns (Sain et al., CVPR 2023).

The authors add learned tokens to a frozen CLIP, and train its norms. By category, a triplet of cosine distances and
the labels' texts teach them; by instance (`instances` above zero in the recipe), with one prompt for both modalities,
the triplet's other photo is of the same class, and two terms join:

    spread: KL between the relative distances of the triplets of any two classes (L_delta);
    shuffle: a sketch with shuffled quadrants is nearer to its photo shuffled alike than to it shuffled otherwise.

Ours: a prompt is a number for each channel of the frozen stages' map, and it is that map whose quadrants move, so that
it can be cached; what a place of it has seen reaches across the cut. Texts are the sentence vectors of labels, laid
onto the photos by ridge regression and fixed, as the authors' text tower is. By category, triplets are all of a batch
rather than one for each sketch. The released code has a margin of .2 and no text loss; margin and weights here are the
paper's, as others report them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from model.training.anchors import lay_words
from model.training.blocks.condition import Prompt
from model.training.blocks.quadrants import shuffled, two_orders
from model.training.blocks.relations import spread
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses.contrast import TRIPLET_MARGIN, triplet_loss
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.sampling import LabelsOfInstances, Sampler
from model.training.views import Annotations, Views


class ClipAtOptions(Options):
    """The authors share prompts between modalities where they tell instances apart. CLIP's own temperature is .01,
    for a space of its own.
    """

    prompts: Literal["each", "shared"] = "each"
    margin: float = Field(default=TRIPLET_MARGIN, ge=0)
    temperature: float = Field(default=0.07, gt=0)
    words: float = Field(default=0.5, ge=0)
    spread: float = Field(default=0.1, ge=0)
    shuffle: float = Field(default=1.0, ge=0)


class ClipAt(Method):
    options = ClipAtOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES, Need.WORDS})
    title = "CLIP-AT"
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType({"tower": "norms"})
    # Made by `fit`.
    prompt: Prompt

    def __init__(self, options: ClipAtOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        super().start(learner, views, known)
        lay_words(learner, views, known)
        if isinstance(learner, LiteLearner):
            learner.text.requires_grad_(False)
        self.fit(learner, views.images([0], 0))

    def fit(self, learner: Learner, example: Tensor) -> None:
        self.prompt = Prompt(example.shape[1], shared=self.settings.prompts == "shared")

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Sampler:
        if not instances:
            return super().sampler(known, batch, 0, seed)
        return LabelsOfInstances(known.records, known.own_photo, batch, instances, seed)

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        return learner.images(self.prompt(inputs, modality))

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        vectors = self._embedded(learner, seen.inputs, seen.modality)
        found = {"words": self._told(vectors, seen)}
        if seen.evenly:
            found["triplet"] = triplet_loss(vectors, seen.labels, seen.modality, self.settings.margin)
        else:
            found |= self._instances(learner, seen, vectors)
        weights = self.settings.model_dump()
        total = torch.stack([weights.get(name, 1.0) * term for name, term in found.items()]).sum()
        return found | {"total": total}

    def _embedded(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        with learner.autocast(inputs.device.type):
            return self.embed(learner, inputs, modality)

    def _told(self, vectors: Tensor, seen: Seen) -> Tensor:
        """Sketches and photos choose among the texts of all labels: the sum of both means."""
        logits = vectors @ seen.vocabulary().T / self.settings.temperature
        kinds = [kind for kind in (SKETCH, PHOTO) if bool((seen.modality == kind).any())]
        told = [
            F.cross_entropy(logits[seen.modality == kind], seen.labels[seen.modality == kind])
            for kind in kinds
        ]
        return torch.stack(told).sum()

    def _instances(self, learner: Learner, seen: Seen, vectors: Tensor) -> dict[str, Tensor]:
        """The terms of a batch of `LabelsOfInstances`: label by label, each sketch before its own photo."""
        count = int((seen.labels == seen.labels[0]).sum()) // 2
        sketches, photos = vectors.reshape(-1, count, 2, vectors.shape[1]).unbind(dim=2)
        others = photos.roll(int(torch.randint(1, count, ())), dims=1)
        # Negative for a triplet in order: the distance to its own photo less that to another of its class.
        apart = (sketches * others).sum(-1) - (sketches * photos).sum(-1)
        found = {"triplet": F.relu(self.settings.margin + apart).mean(), "spread": spread(apart)}
        if self.settings.shuffle:
            found["shuffle"] = self._shuffle(learner, seen)
        return found

    def _shuffle(self, learner: Learner, seen: Seen) -> Tensor:
        sketches, photos = seen.inputs[0::2], seen.inputs[1::2]
        alike, otherwise = two_orders(len(sketches))
        shown = [shuffled(sketches, alike), shuffled(photos, alike), shuffled(photos, otherwise)]
        kinds = torch.tensor([SKETCH, PHOTO, PHOTO], device=seen.modality.device)
        vectors = self._embedded(learner, torch.cat(shown), kinds.repeat_interleave(len(sketches)))
        sketch, photo, other = vectors.chunk(3)
        return F.relu(self.settings.margin + ((other - photo) * sketch).sum(-1)).mean()
