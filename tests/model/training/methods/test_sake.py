"""SAKE's loss against its formula, who learns from which term, and what its options need."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import DataProblem, Dataset
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.base import Seen
from model.training.methods.needs import Need
from model.training.methods.sake import Sake, SakeOptions
from model.training.objective import Objective
from model.training.recipe import Recipe, read_recipe
from model.training.run import optimiser
from tests.kit.training import tiny_network, tiny_objective
from tests.kit.wordnet import tiny_wordnet

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 8,
    "size": 32,
    "batch": 9,
    "steps": 9,
    "views": 1,
}


@pytest.fixture(autouse=True)
def _a_wordnet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WNSEARCHDIR", str(tiny_wordnet(tmp_path / "wordnet")))


def recipe(**options: object) -> Recipe:
    return read_recipe("lite-base", "sake", **SMALL, options=options)


def method_of(objective: Objective) -> Sake:
    assert isinstance(objective.method, Sake)
    return objective.method


def codes_of(objective: Objective, seen: Seen) -> torch.Tensor:
    return objective.learner.project(objective.learner.features(seen.inputs))


def test_its_terms_are_the_paper_s(figures: Dataset) -> None:
    objective = tiny_objective(recipe(), figures)
    seen, method = objective.seen(0), method_of(objective)
    method.nudges = 3 * torch.rand(method.nudges.shape)
    found = method.loss(objective.learner, seen)
    with torch.no_grad():
        codes = codes_of(objective, seen)
        classifier = objective.learner.classifier
        assert classifier is not None
        # Nothing is trained yet, so the network is its own teacher.
        taught = objective.learner.features(seen.inputs) @ classifier.weight.T + classifier.bias
        logs = method.teacher(codes).log_softmax(dim=1)
        rows = [
            -float(((taught[row] + method.nudges[seen.labels[row]]).softmax(dim=0) * logs[row]).sum())
            for row in range(len(codes))
            if seen.modality[row] == PHOTO
        ]
        classes = F.cross_entropy(method.classes(codes), seen.labels)
    assert len(rows) == 6
    assert found["classes"].item() == pytest.approx(classes.item(), abs=1e-4)
    assert found["teacher"].item() == pytest.approx(sum(rows) / len(rows), abs=1e-4)
    assert found["total"].item() == pytest.approx(classes.item() + sum(rows) / len(rows), abs=1e-4)


def test_wordnet_nudges_the_teacher_towards_related_classes(figures: Dataset) -> None:
    method = method_of(tiny_objective(recipe(nudge=0.5), figures))
    ball = method.nudges[figures.labels.index("ball")]
    assert ball.max() == 0.5
    assert int((ball == 0.5).sum()) == 1, "a baseball is a ball"
    assert not method.nudges[figures.labels.index("stairs")].any(), "no noun of this WordNet"


@pytest.mark.parametrize("term", ["classes", "teacher"])
def test_the_teacher_teaches_photos_only(figures: Dataset, term: str) -> None:
    objective = tiny_objective(recipe(), figures)
    seen = objective.seen(0)
    seen.inputs.requires_grad_()
    objective.method.loss(objective.learner, seen)[term].backward()  # type: ignore[no-untyped-call]
    assert seen.inputs.grad is not None
    by_row = seen.inputs.grad.flatten(1).abs().sum(1)
    assert bool((by_row[seen.modality == PHOTO] > 0).all())
    assert bool((by_row[seen.modality == SKETCH] > 0).any()) == (term == "classes")


@pytest.mark.parametrize("gate", [False, True])
def test_the_loss_of_a_batch_falls(figures: Dataset, gate: bool) -> None:
    chosen = recipe(gate=gate)
    objective = tiny_objective(chosen, figures)
    steps = optimiser(objective.network, chosen)
    for group in steps.param_groups:
        group["lr"] = 3e-3
    seen, totals = objective.seen(0), []
    for _ in range(6):
        seen = objective.seen(0)
        steps.zero_grad()
        total = objective.method.loss(objective.learner, seen)["total"]
        total.backward()  # type: ignore[no-untyped-call]
        steps.step()
        totals.append(total.item())
    assert totals[-1] < totals[0] - 0.1


def test_without_a_nudge_it_works_without_wordnet(
    figures: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))
    assert Need.WORDNET in tiny_network(recipe()).method.needs
    assert Need.WORDNET not in tiny_network(recipe(nudge=0)).method.needs
    with pytest.raises(DataProblem, match=r"^method 'sake' needs WordNet: .*install wordnet-base"):
        tiny_objective(recipe(), figures)
    assert tiny_objective(recipe(nudge=0), figures).loss(0)["total"].isfinite()


@torch.no_grad()
def test_a_gate_embeds_each_modality_its_own_way_and_so_does_not_publish(figures: Dataset) -> None:
    gated = tiny_objective(recipe(gate=True), figures)
    plain = tiny_objective(recipe(), figures)
    inputs = gated.views.images([0, 0])
    both = torch.tensor([SKETCH, PHOTO])
    wanted = plain.network.embed(inputs, both)
    assert torch.allclose(gated.network.embed(inputs, both), wanted, atol=1e-5), "without effect at first"
    film: Any = method_of(gated).film
    film.scale[SKETCH] *= torch.rand(film.scale.shape[1])
    film.shift[SKETCH] += torch.randn(film.shift.shape[1])
    found = gated.network.embed(inputs, both)
    assert torch.allclose(found.norm(dim=1), torch.ones(2))
    assert torch.allclose(found[1], wanted[1], atol=1e-5)
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    assert (gated.method.publishes, plain.method.publishes) == (False, True)


def test_a_gate_needs_maps() -> None:
    SakeOptions(gate=True).check("lite")
    SakeOptions().check("open_clip")
    with pytest.raises(ValueError, match="`gate` needs the maps of stages"):
        SakeOptions(gate=True).check("open_clip")


def test_words_point_to_photos_after_training(figures: Dataset) -> None:
    objective = tiny_objective(recipe(), figures)
    learner: Any = objective.learner
    before = learner.text.weight.clone()
    assert not objective.finish(), "pictures stay where they are"
    assert not torch.equal(learner.text.weight, before)
