"""The loss of one step: rows are sampled, the towers embed them, and the method computes the loss."""

import numpy as np
import torch
from torch import Tensor

from model.data.datasets import Dataset
from model.training.methods.base import Seen
from model.training.methods.needs import refuse_lacking
from model.training.network import Network
from model.training.prefetch import Prefetcher
from model.training.recipe import Recipe
from model.training.views import Annotations, Views


class Objective:
    """The loss of a recipe over a training set; it depends only on the step number."""

    def __init__(
        self,
        recipe: Recipe,
        data: Dataset,
        views: Views,
        network: Network,
        unlabelled: Views | None = None,
    ) -> None:
        self.recipe, self.views, self.network = recipe, views, network
        self.method, self.learner = network.method, network.learner
        others = 0 if unlabelled is None else len(unlabelled)
        refuse_lacking(recipe.method, self.method.needs, views.records, self.learner, others)
        self.known = Annotations.of(views.records, data.labels, recipe.captions, self.learner, unlabelled)
        self.sampler = self.method.sampler(self.known, recipe.batch, recipe.instances, recipe.seed)
        self._prefetcher: Prefetcher | None = None
        self._seen: Seen | None = None

    def start(self) -> None:
        """Set the closed forms that the method starts with."""
        self.method.start(self.learner, self.views, self.known)

    def finish(self) -> bool:
        """Set the closed forms that the method ends with; return whether they changed any vector."""
        return self.method.finish(self.learner, self.views, self.known)

    def to(self, device: torch.device) -> None:
        """Move the network and annotations; views are still prepared on the CPU."""
        self.network.to(device)
        # On a CPU, preparing batches and training would compete for the same cores.
        self._prefetcher = None if device.type == "cpu" else Prefetcher(self.inputs, device)

    def loss(self, step: int) -> dict[str, Tensor]:
        """Compute the unweighted terms and `total`, with gradients."""
        self._seen = self.seen(step)
        return self.method.loss(self.learner, self._seen)

    def after(self) -> None:
        """Call this after the optimiser has taken the step of `loss`."""
        if self._seen is not None:
            self.method.after(self._seen)
        self._seen = None

    def seen(self, step: int) -> Seen:
        """What the method sees in that step."""
        rows = self.sampler(step)
        inputs = self.inputs(step) if self._prefetcher is None else self._prefetcher(step)

        def shown(values: object) -> Tensor:
            return torch.from_numpy(np.asarray(values)[rows.all]).to(inputs.device)

        known = self.known
        return Seen(
            step=step,
            learner=self.learner,
            inputs=inputs,
            rows=torch.tensor(rows.all, device=inputs.device),
            labels=shown(known.labels),
            modality=shown(known.modality),
            own_photo=shown(known.own_photo),
            evenly=len(rows.evenly),
            caption=int(
                np.random.default_rng([self.recipe.seed, 7, step]).integers(len(self.recipe.captions))
            ),
            known=known,
        )

    def inputs(self, step: int) -> Tensor:
        return self.views.images(self.sampler(step).all, step)
