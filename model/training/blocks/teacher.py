"""What a network knew of ImageNet before training: a frozen copy that teaches, and heads that start from it."""

import copy

import torch
from torch import Tensor, nn

from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner


class Teacher:
    """The logits (n, 1000) that a network had for ImageNet's classes when this copy was made.

    It is no part of a method's state: whoever starts a run from the same weights makes the same copy again.
    """

    def __init__(self, learner: Learner) -> None:
        if not isinstance(learner, LiteLearner) or learner.classifier is None:
            raise TypeError("a method that has a teacher names Need.TEACHER among its needs")
        self._frozen = learner.frozen_stages
        self._stages = copy.deepcopy(learner.stages)
        self._stages.network.requires_grad_(False).eval()
        self._classifier = learner.classifier
        self._device = torch.device("cpu")

    @torch.no_grad()
    def logits(self, learner: Learner, inputs: Tensor) -> Tensor:
        """Of prepared pictures, at the learner's precision."""
        if inputs.device != self._device:
            self._move(inputs.device)
        with learner.autocast(inputs.device.type):
            features = self._stages.after(self._frozen, inputs)
        return torch.nn.functional.linear(features.float(), self._classifier.weight, self._classifier.bias)

    def _move(self, device: torch.device) -> None:
        self._stages.network.to(device)
        weight, bias = self._classifier.weight.to(device), self._classifier.bias.to(device)
        self._classifier, self._device = type(self._classifier)(weight, bias), device

    def __deepcopy__(self, _: object) -> "Teacher":
        """Share it between copies of a method: it never changes."""
        return self


@torch.no_grad()
def teach(learner: Learner, labels: int, dimension: int) -> tuple[Teacher, nn.Linear, nn.Linear]:
    """The teacher, and what reads embeddings: a head for so many labels, and one for what the teacher knows."""
    teacher = Teacher(learner)
    with torch.random.fork_rng():
        torch.manual_seed(labels)
        return teacher, nn.Linear(dimension, labels), lay_classifier(learner)


@torch.no_grad()
def lay_classifier(learner: Learner) -> nn.Linear:
    """Start the projection as the main directions of the ImageNet classifier; return the head that undoes it.

    With W = U S V', the projection is S V' and the head U, both cut to the embedding's width: together they are the
    best classifier of that rank.
    """
    assert isinstance(learner, LiteLearner)
    assert learner.classifier is not None
    weight, bias = learner.classifier.weight, learner.classifier.bias
    left, sizes, right = torch.linalg.svd(weight.double(), full_matrices=False)
    rank = min(len(sizes), learner.projection.out_features)
    learner.projection.weight.zero_()
    learner.projection.weight[:rank] = (sizes[:rank, None] * right[:rank]).float()
    head = nn.Linear(learner.projection.out_features, len(weight))
    head.weight.zero_()
    head.weight[:, :rank] = left[:, :rank].float()
    head.bias.copy_(bias)
    return head
