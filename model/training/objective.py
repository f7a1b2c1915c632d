"""One step's loss: which rows are shown, what the learner makes of them, and every term by its name."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.data.datasets import PHOTO as PHOTOS
from model.data.datasets import Dataset
from model.training import anchors as anchored
from model.training.anchors import Anchors, Shown
from model.training.learner import Learner, LiteLearner
from model.training.losses import (
    PHOTO,
    SKETCH,
    TEXT,
    LossInputs,
    LossWeights,
    strip,
    total,
    unit,
)
from model.training.prefetch import Ahead
from model.training.recipe import Recipe
from model.training.sampling import BalancedSampler, InstanceSampler
from model.training.views import EDGES, Material, own_photos

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
        traced = np.array([record.note == EDGES for record in records])
        self.instances = InstanceSampler(records, self.own, traced, recipe.instances, recipe.seed)
        rest = recipe.batch - len(self.instances)
        self.sampler = BalancedSampler(records, rest, recipe.seed, evenness=EVENNESS)
        said = [caption.format(label) for label in self.label_names for caption in recipe.captions]
        read = torch.cat([learner.read(said[start : start + 256]) for start in range(0, len(said), 256)])
        self.words = read.view(len(self.label_names), len(recipe.captions), *read.shape[1:])
        self.weights = LossWeights(**recipe.loss_weights.model_dump())
        self.anchors: Anchors | None = None
        self._ahead: Ahead | None = None

    def lay_anchors(self) -> None:
        """Closed-form start of the lite heads, the reference to hold to and the encodings that the recipe wants."""
        drawn = self.learner.encodings.detach().clone()
        if isinstance(self.learner, LiteLearner):
            laid = anchored.lay(self.learner, self.material, self.labels, self.words)
            self.anchors = laid if self.recipe.anchors.wanted else None
        with torch.no_grad():
            if self.recipe.encodings == "normal":
                self.learner.encodings.copy_(drawn)
            elif self.recipe.encodings == "none":
                self.learner.encodings.zero_()
        self.learner.encodings.requires_grad_(self.recipe.encodings != "none")

    def to(self, device: torch.device) -> None:
        """Move what is computed with; views are prepared where they are, on the CPU."""
        self.learner.to(device)
        self.anchors = None if self.anchors is None else self.anchors.to(device)
        # On a CPU, making batches and learning from them would want the same cores.
        self._ahead = None if device.type == "cpu" else Ahead(self._inputs, device)

    def loss(self, step: int) -> dict[str, Tensor]:
        """Unweighted terms and `total`, with their graph."""
        balanced = self.sampler.batch(step)
        rows = self._rows(step)
        device = self.learner.encodings.device
        caption = int(np.random.default_rng([self.recipe.seed, 7, step]).integers(len(self.recipe.captions)))
        on_cpu = device.type == "cpu"
        with torch.autocast(device.type, torch.bfloat16, enabled=self.recipe.towers == "lite" or not on_cpu):
            embedded = self.learner.images(self._inputs(step) if self._ahead is None else self._ahead(step))
        labels, modality = (torch.from_numpy(part[rows]).to(device) for part in (self.labels, self.modality))
        found: dict[str, Tensor] = {}
        whole = torch.zeros((), device=device)
        if self.weights.active():
            found = self._authors(rows, embedded, labels, modality, caption)
            whole = self.recipe.authors_share * found["total"]
        if self.anchors is not None:
            # To tell instances apart, photos must be free to move: they are not held to their places.
            n = len(balanced)
            held = self._anchored(balanced, embedded[:n], labels[:n], modality[:n], caption)
            weights = self.recipe.anchors.model_dump()
            whole = whole + torch.stack([weights[name] * term for name, term in held.items()]).sum()
            found |= held
        return found | {"total": whole}

    def _rows(self, step: int) -> list[int]:
        return self.sampler.batch(step) + self.instances.batch(step)

    def _inputs(self, step: int) -> Tensor:
        return self.material.images(self._rows(step), step)

    def _authors(
        self, rows: Sequence[int], images: Tensor, labels: Tensor, modality: Tensor, caption: int
    ) -> dict[str, Tensor]:
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
            pairs=torch.from_numpy(np.where(self.modality[rows] == PHOTO, rows, self.own[rows])).to(
                images.device
            ),
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
