"""The teacher is the network as it was; the heads begin as its classifier."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from model.training.blocks.condition import Film
from model.training.blocks.teacher import Teacher, lay_classifier
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import PHOTO, SKETCH
from tests.kit.training import tiny_learner, tiny_recipe

RECIPE = tiny_recipe(dimension=8, frozen_stages=4)


@pytest.fixture
def learner() -> LiteLearner:
    found = tiny_learner(RECIPE)
    assert found.classifier is not None
    found.classifier = replace(found.classifier, bias=torch.linspace(-1, 1, 1000))
    return found


def inputs(learner: LiteLearner, count: int = 3) -> torch.Tensor:
    chance = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (count, 32, 32, 3), generator=chance, dtype=torch.uint8)
    with torch.no_grad():
        return learner.prepare(pixels)


@torch.no_grad()
def test_it_says_what_the_network_said_before_training(learner: LiteLearner) -> None:
    teacher, shown = Teacher(learner), inputs(learner)
    assert learner.classifier is not None
    before = learner.features(shown) @ learner.classifier.weight.T + learner.classifier.bias
    assert torch.allclose(teacher.logits(learner, shown), before, atol=1e-5)
    for value in learner.parameters():
        value.add_(0.1)
    assert torch.allclose(teacher.logits(learner, shown), before, atol=1e-5)
    after = learner.features(shown) @ learner.classifier.weight.T + learner.classifier.bias
    assert not torch.allclose(after, before, atol=1e-2)


def test_it_neither_learns_nor_is_saved_nor_copied(learner: LiteLearner) -> None:
    class Taught(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.taught = Teacher(learner)

    holder = Taught()
    assert not holder.taught.logits(learner, inputs(learner)).requires_grad
    assert not holder.state_dict()
    assert not list(holder.parameters())
    assert copy.deepcopy(holder).taught is holder.taught


def test_towers_without_a_classifier_have_no_teacher(learner: LiteLearner) -> None:
    learner.classifier = None
    with pytest.raises(TypeError, match=r"Need\.TEACHER"):
        Teacher(learner)


@torch.no_grad()
def test_projection_and_head_are_the_best_classifier_of_their_rank(learner: LiteLearner) -> None:
    head = lay_classifier(learner)
    assert learner.classifier is not None
    weight = learner.classifier.weight
    both = head.weight @ learner.projection.weight
    left, sizes, right = torch.linalg.svd(weight, full_matrices=False)
    assert torch.allclose(both, left[:, :8] * sizes[:8] @ right[:8], atol=1e-4)
    assert float((weight - both).norm() ** 2) == pytest.approx(float((sizes[8:] ** 2).sum()), rel=1e-4)
    assert torch.allclose(head.weight.T @ head.weight, torch.eye(8), atol=1e-4)
    assert torch.equal(head.bias, learner.classifier.bias)


@torch.no_grad()
def test_an_embedding_wider_than_the_network_holds_all_of_it() -> None:
    wide = tiny_learner(tiny_recipe(dimension=1300))
    head = lay_classifier(wide)
    assert wide.classifier is not None
    assert torch.allclose(head.weight @ wide.projection.weight, wide.classifier.weight, atol=1e-3)


def test_a_gate_starts_open_and_differs_by_modality() -> None:
    film, values = Film(5), torch.rand(2, 5, 3, 4)
    modality = torch.tensor([SKETCH, PHOTO])
    assert torch.equal(film(values, modality), values)
    with torch.no_grad():
        film.scale[SKETCH] = torch.arange(5.0)
        film.shift[PHOTO, 2] = 7
    found = film(values, modality)
    assert torch.allclose(found[0, 3], 3 * values[0, 3])
    assert torch.allclose(found[1, 2], values[1, 2] + 7)
    assert torch.equal(found[1, 3], values[1, 3])
