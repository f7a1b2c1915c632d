"""Siamese triplets: the loss by hand, and nothing subtracted from embeddings."""

import torch
from torch import Tensor

from model.data.datasets import Dataset
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.recipe import read_recipe
from tests.kit.training import tiny_objective

SMALL = {"architecture": "test_efficientnet", "dimension": 8, "size": 32, "batch": 8, "steps": 3}


def by_hand(vectors: Tensor, labels: list[int], modality: list[int], margin: float) -> float:
    """The mean over all triplets that violate the margin."""
    short = []
    for sketch, kind in enumerate(modality):
        for near, shown in enumerate(modality):
            for far, other in enumerate(modality):
                if (kind, shown, other) != (SKETCH, PHOTO, PHOTO):
                    continue
                if labels[near] == labels[sketch] != labels[far]:
                    gap = vectors[sketch] @ vectors[near] - vectors[sketch] @ vectors[far]
                    short.append(max(0.0, margin - float(gap)))
    lacking = [value for value in short if value > 0]
    return sum(lacking) / len(lacking)


def test_the_loss_is_that_of_its_triplets(figures: Dataset) -> None:
    recipe = read_recipe("lite-base", "siamese", **SMALL, options={"margin": 0.7})
    objective = tiny_objective(recipe, figures)
    with torch.no_grad():
        seen = objective.seen(0)
        found = objective.method.loss(objective.learner, seen)
    wanted = by_hand(seen.embedded, seen.labels.tolist(), seen.modality.tolist(), 0.7)
    assert abs(float(found["total"]) - wanted) < 1e-4


def test_it_embeds_both_modalities_alike(figures: Dataset) -> None:
    objective = tiny_objective(read_recipe("lite-base", "siamese", **SMALL), figures)
    inputs = objective.views.images([0, 1])
    with torch.no_grad():
        one, other = (objective.network.embed(inputs, torch.full((2,), kind)) for kind in (PHOTO, SKETCH))
    assert torch.equal(one, other)
