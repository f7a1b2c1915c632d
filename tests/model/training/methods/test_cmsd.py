"""Cross-modal self-distillation: its terms against loops, and who teaches whom."""

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import Dataset
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.cmsd import Cmsd
from model.training.objective import Objective
from model.training.recipe import read_recipe
from model.training.run import optimiser
from tests.kit.training import tiny_objective

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 8,
    "size": 32,
    "batch": 12,
    "steps": 9,
    "views": 1,
}
RECIPE = read_recipe("lite-base", "cmsd", **SMALL)
HEAT = 4.0


@pytest.fixture
def objective(figures: Dataset) -> Objective:
    found = tiny_objective(RECIPE, figures)
    with torch.no_grad():
        # The student differs from its teacher, and its pictures from each other.
        chance = torch.Generator().manual_seed(1)
        for name, value in found.learner.named_parameters():
            if name.endswith("projection.weight"):
                value.copy_(40 * torch.randn(value.shape, generator=chance))
    return found


@torch.no_grad()
def test_its_terms_are_the_formulas(objective: Objective) -> None:
    method, learner, seen = objective.method, objective.learner, objective.seen(0)
    assert isinstance(method, Cmsd)
    found = method.loss(learner, seen)
    codes = learner.project(learner.features(seen.inputs))
    logits, classifier = method.teacher(codes), learner.classifier
    assert classifier is not None
    taught = learner.features(seen.inputs) @ classifier.weight.T + classifier.bias
    soft = (logits / HEAT).softmax(dim=1)
    units = F.normalize(codes, dim=1)
    kinds, labels = seen.modality.tolist(), seen.labels.tolist()

    def apart(target: torch.Tensor, row: int) -> float:
        return HEAT**2 * float((target * (target / soft[row]).log()).sum())

    rows = range(len(labels))
    of_photos = [apart((taught[row] / HEAT).softmax(dim=0), row) for row in rows if kinds[row] == PHOTO]
    passed: dict[str, list[float]] = {"across": [], "sketches": []}
    for name, giver in (("across", PHOTO), ("sketches", SKETCH)):
        for row in (row for row in rows if kinds[row] == SKETCH):
            givers = [j for j in rows if j != row and kinds[j] == giver and labels[j] == labels[row]]
            if givers:
                near = torch.tensor([float(units[row] @ units[j]) / 0.1 for j in givers]).softmax(dim=0)
                target = torch.stack([w * soft[j] for w, j in zip(near, givers, strict=True)]).sum(0)
                passed[name].append(apart(target, row))
    wanted = {name: sum(each) / len(each) for name, each in (passed | {"teacher": of_photos}).items()}
    for name, value in wanted.items():
        assert found[name].item() == pytest.approx(value, rel=1e-3, abs=1e-4), name
    classes = F.cross_entropy(method.classes(codes), seen.labels).item()
    assert found["classes"].item() == pytest.approx(classes, abs=1e-4)
    total = classes + wanted["teacher"] + wanted["across"] + 0.5 * wanted["sketches"]
    assert found["total"].item() == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize(("term", "learns"), [("teacher", PHOTO), ("across", SKETCH), ("sketches", SKETCH)])
def test_who_is_taught(objective: Objective, term: str, learns: int) -> None:
    seen = objective.seen(0)
    seen.inputs.requires_grad_()
    objective.method.loss(objective.learner, seen)[term].backward()  # type: ignore[no-untyped-call]
    assert seen.inputs.grad is not None
    by_row = seen.inputs.grad.flatten(1).abs().sum(1) > 0
    assert torch.equal(by_row, seen.modality == learns)


def test_a_label_comes_with_two_sketches_and_two_photos(objective: Objective) -> None:
    seen = objective.seen(3)
    for label in seen.labels.unique():
        kinds = seen.modality[seen.labels == label]
        assert int((kinds == SKETCH).sum()) == int((kinds == PHOTO).sum()) >= 2


def test_the_loss_of_a_batch_falls(objective: Objective) -> None:
    steps = optimiser(objective.network, RECIPE)
    for group in steps.param_groups:
        group["lr"] = 1e-3
    totals = []
    for _ in range(6):
        steps.zero_grad()
        total = objective.loss(0)["total"]
        total.backward()  # type: ignore[no-untyped-call]
        steps.step()
        totals.append(total.item())
    assert totals[-1] < totals[0]
    assert objective.method.publishes
