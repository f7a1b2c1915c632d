"""Semi-transductive learning: margins, groups of unlabelled photos, and calibration, against loops."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import Dataset
from model.training.losses.contrast import triplet_loss
from model.training.losses.encodings import PHOTO
from model.training.methods.stl import Stl
from model.training.objective import Objective
from model.training.recipe import read_recipe
from model.training.run import optimiser
from tests.kit.training import tiny_objective

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 8,
    "size": 32,
    "batch": 8,
    "steps": 9,
    "views": 1,
}
RECIPE = read_recipe("lite-base", "stl", **SMALL, options={"groups": 4, "sure": 0.5})


@pytest.fixture
def objective(figures: Dataset) -> Objective:
    torch.manual_seed(0)
    return tiny_objective(RECIPE, figures)


def stl(objective: Objective) -> Stl:
    assert isinstance(objective.method, Stl)
    return objective.method


def met(objective: Objective, step: int) -> torch.Tensor:
    """The rows of unlabelled photos that a step shows."""
    torch.manual_seed(step)
    return torch.randperm(len(stl(objective).own))[:4]


@torch.no_grad()
def test_its_terms_are_the_formulas(objective: Objective) -> None:
    method, learner, seen = stl(objective), objective.learner, objective.seen(0)
    rows = met(objective, 5)
    method.surely[rows[[0, 2]]] = False
    torch.manual_seed(5)
    found = method.loss(learner, seen)
    assert seen.known.unlabelled is not None
    others = learner.images(seen.known.unlabelled.images(rows.tolist()))
    photos = seen.embedded[seen.modality == PHOTO]

    def entropy(vector: torch.Tensor) -> float:
        shares = (method.classes @ vector / 0.1).softmax(dim=0).tolist()
        return -sum(share * math.log(share) for share in shares if share > 0) / math.log(len(shares))

    grouped = [
        -float((method.groups @ other / 0.1).log_softmax(dim=0)[method.own[row]])
        for row, other in zip(rows.tolist(), others, strict=True)
        if method.surely[row]
    ]
    triplet = triplet_loss(seen.embedded, seen.labels, seen.modality, method.margins).item()
    calibration = sum(map(entropy, photos)) / len(photos) - sum(map(entropy, others)) / len(others)
    assert len(grouped) == 2
    assert found["triplet"].item() == pytest.approx(triplet, abs=1e-5)
    assert found["clusters"].item() == pytest.approx(sum(grouped) / len(grouped), abs=1e-4)
    assert found["calibration"].item() == pytest.approx(calibration, abs=1e-4)
    total = triplet + 0.5 * sum(grouped) / len(grouped) + 0.1 * calibration
    assert found["total"].item() == pytest.approx(total, abs=1e-4)


@torch.no_grad()
def test_it_starts_with_margins_of_words_and_means_of_what_is_there(objective: Objective) -> None:
    method, known = stl(objective), objective.known
    assert known.words is not None
    words = F.normalize(known.words.mean(1), dim=-1)
    assert torch.allclose(method.margins, 0.4 * (1 - words @ words.T), atol=1e-5)
    photos = [row for row, kind in enumerate(known.modality) if kind == PHOTO]
    embedded = objective.learner.images(objective.views.images(photos))
    for label in range(len(known.names)):
        own = embedded[torch.from_numpy(known.labels[photos]) == label]
        assert torch.allclose(method.classes[label], F.normalize(own.mean(0), dim=0), atol=1e-4)
    assert known.unlabelled is not None
    assert len(method.own) == len(method.surely) == len(known.unlabelled)
    unlabelled = objective.learner.images(known.unlabelled.images(range(len(known.unlabelled))))
    for group in range(len(method.groups)):
        own = unlabelled[method.own == group]
        assert torch.allclose(method.groups[group], F.normalize(own.mean(0), dim=0), atol=1e-4)


@torch.no_grad()
def test_a_label_without_photos_is_no_class_to_be_certain_of(objective: Objective) -> None:
    method, seen = stl(objective), objective.seen(0)
    torch.manual_seed(5)
    whole = method.loss(objective.learner, seen)["calibration"].item()
    method.shown[0] = False
    torch.manual_seed(5)
    less = method.loss(objective.learner, seen)["calibration"].item()
    method.classes[0] = torch.randn(8)
    torch.manual_seed(5)
    assert method.loss(objective.learner, seen)["calibration"].item() == pytest.approx(less, abs=1e-6)
    assert less != pytest.approx(whole, abs=1e-6)


def test_photos_that_are_surely_of_no_group_are_left_alone(objective: Objective) -> None:
    method = stl(objective)
    method.surely[:] = False
    found = objective.loss(0)
    assert found["clusters"].item() == 0
    found["total"].backward()  # type: ignore[no-untyped-call]


def test_means_follow_what_a_step_showed(objective: Objective) -> None:
    method = stl(objective)
    with torch.no_grad():
        method.groups.copy_(F.normalize(torch.randn(method.groups.shape), dim=1))
        method.classes.copy_(F.normalize(torch.randn(method.classes.shape), dim=1))
    groups, classes = method.groups.clone(), method.classes.clone()
    rows = met(objective, 9)
    torch.manual_seed(9)
    seen = objective.seen(0)
    method.loss(objective.learner, seen)
    method.after(seen)
    assert seen.known.unlabelled is not None
    others = objective.learner.images(seen.known.unlabelled.images(rows.tolist())).detach()
    for group in range(len(groups)):
        own = others[method.own[rows] == group]
        met_mean = F.normalize(own.mean(0), dim=0) if len(own) else groups[group]
        wanted = F.normalize(0.9 * groups[group] + 0.1 * met_mean, dim=0)
        assert torch.allclose(method.groups[group], wanted, atol=1e-6), group
    assert not torch.allclose(method.groups, groups, atol=1e-5)
    photos = seen.modality == PHOTO
    label = int(seen.labels[photos][0])
    shown = seen.embedded.detach()[photos][seen.labels[photos] == label].mean(0)
    wanted = F.normalize(0.9 * classes[label] + 0.1 * F.normalize(shown, dim=0), dim=0)
    assert torch.allclose(method.classes[label], wanted, atol=1e-6)


def test_uncertain_strangers_and_certain_acquaintances_cost_least(objective: Objective) -> None:
    method = stl(objective)
    method.classes = torch.eye(4, 8)
    sure, unsure = torch.eye(8)[:2], torch.eye(8)[5:7]
    told = [method._calibrated(*pair).item() for pair in ((sure, unsure), (unsure, sure), (sure, sure))]
    assert told == pytest.approx([-1, 1, 0], abs=0.01)


def test_the_loss_of_a_batch_falls(objective: Objective) -> None:
    steps = optimiser(objective.network, RECIPE)
    for group in steps.param_groups:
        group["lr"] = 1e-3
    seen, totals = objective.seen(0), []
    for _ in range(6):
        torch.manual_seed(1)
        steps.zero_grad()
        total = objective.method.loss(objective.learner, replace(seen))["total"]
        total.backward()  # type: ignore[no-untyped-call]
        steps.step()
        totals.append(total.item())
    assert totals[-1] < totals[0]
    assert objective.method.publishes


def test_its_recipe_leaves_room_for_unlabelled_photos() -> None:
    assert read_recipe("lite-base", "stl", **Stl.recipe).batch == 64
