"""One step's loss: which rows are shown, what the learner makes of them, and every term by its name."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model import anchors as anchored
from model.anchors import Anchors, Shown
from model.datasets import PHOTO as PHOTOS
from model.datasets import Dataset
from model.learner import Learner, LiteLearner
from model.losses import PHOTO, SKETCH, TEXT, LossInputs, LossWeights, strip, total, unit
from model.material import Material, own_photos
from model.recipe import Recipe
from model.sampling import BalancedSampler

# Labels of many images come up somewhat more often than those of a single one.
EVENNESS = 0.5


class Objective:
    """Losses of a recipe over a training set; they depend on the step number alone."""

    def __init__(self, recipe: Recipe, data: Dataset, material: Material, learner: Learner) -> None:
        self.recipe, self.learner, self.material = recipe, learner, material
        records = material.records
        self.label_names = data.labels
        self.labels = anchored.label_rows(records, self.label_names)
        self.own = own_photos(records)
        self.modality = np.array([PHOTO if record.modality == PHOTOS else SKETCH for record in records])
        self.sampler = BalancedSampler(records, recipe.batch, recipe.seed, evenness=EVENNESS)
        said = [caption.format(label) for label in self.label_names for caption in recipe.captions]
        read = torch.cat([learner.read(said[start : start + 256]) for start in range(0, len(said), 256)])
        self.words = read.view(len(self.label_names), len(recipe.captions), *read.shape[1:])
        self.weights = LossWeights(**recipe.loss_weights.model_dump())
        self.anchors: Anchors | None = None

    def lay_anchors(self) -> None:
        """Closed-form start of the heads and the reference to hold to, where the recipe wants them."""
        if self.recipe.anchors.wanted:
            assert isinstance(self.learner, LiteLearner)
            self.anchors = anchored.lay(self.learner, self.material, self.labels, self.words)

    def to(self, device: torch.device) -> None:
        """Move what is computed with; views are prepared where they are, on the CPU."""
        self.learner.to(device)
        self.anchors = None if self.anchors is None else self.anchors.to(device)

    def loss(self, step: int) -> dict[str, Tensor]:
        """Unweighted terms and `total`, with their graph."""
        rows = self.sampler.batch(step)
        device = self.learner.encodings.device
        caption = int(np.random.default_rng([self.recipe.seed, 7, step]).integers(len(self.recipe.captions)))
        on_cpu = device.type == "cpu"
        with torch.autocast(device.type, torch.bfloat16, enabled=self.recipe.towers == "lite" or not on_cpu):
            embedded = self.learner.images(self.material.images(rows, step).to(device))
        labels, modality = (torch.from_numpy(part[rows]).to(device) for part in (self.labels, self.modality))
        found: dict[str, Tensor] = {}
        whole = torch.zeros((), device=device)
        if self.weights.active():
            found = self._authors(embedded, labels, modality, caption)
            whole = self.recipe.authors_share * found["total"]
        if self.anchors is not None:
            held = self._anchored(rows, embedded, labels, modality, caption)
            weights = self.recipe.anchors.model_dump()
            whole = whole + torch.stack([weights[name] * term for name, term in held.items()]).sum()
            found |= held
        return found | {"total": whole}

    def _authors(self, images: Tensor, labels: Tensor, modality: Tensor, caption: int) -> dict[str, Tensor]:
        known, caption_rows = torch.unique(labels, return_inverse=True)
        words = self.words[known.cpu(), caption].to(images.device)
        inputs = LossInputs(
            image=images,
            text=self.learner.texts(words)[caption_rows],
            encodings=self.learner.encodings,
            classifier_weight=self.learner.classifier.weight,
            classifier_bias=self.learner.classifier.bias,
            image_modality=modality,
            text_modality=torch.full_like(modality, TEXT),
            logit_scale=self.learner.scale(self.recipe.logit_scale),
            captions=labels,
            labels=labels,
        )
        return total(inputs, self.weights)

    def _anchored(
        self, rows: Sequence[int], images: Tensor, labels: Tensor, modality: Tensor, caption: int
    ) -> dict[str, Tensor]:
        assert self.anchors is not None
        assert isinstance(self.learner, LiteLearner)
        device = images.device
        shown = Shown(
            semantic=unit(strip(images, self.learner.encodings, modality)),
            rows=torch.tensor(rows, device=device),
            labels=labels,
            modality=modality,
            own_photo=torch.from_numpy(self.own[rows]).to(device),
            words=anchored.words_of(self.learner, self.anchors, caption),
        )
        return anchored.terms(shown, self.anchors, self.recipe.anchors, self.recipe.logit_scale)
