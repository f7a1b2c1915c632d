"""Ridge regression: the closed form against another solver, and that nothing is trained."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge as Solver

from model.data.datasets import Dataset
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.ridge import Ridge
from model.training.objective import Objective
from model.training.recipe import read_recipe
from tests.kit.training import tiny_objective, with_pairs

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 6,
    "size": 32,
    "batch": 8,
    "steps": 3,
    "views": 1,
}


def objective(data: Dataset, penalty: float = 0.5) -> Objective:
    options = {"penalty": penalty, "stages": (3, 4)}
    recipe = read_recipe("lite-base", "ridge", **SMALL, tower="nothing", options=options)
    return tiny_objective(recipe, with_pairs(data))


def method_of(found: Objective) -> Ridge:
    assert isinstance(found.method, Ridge)
    return found.method


def standard(found: Objective, rows: list[int], kind: int) -> torch.Tensor:
    with torch.no_grad():
        return method_of(found).pooled(
            found.learner, found.views.images(rows), torch.full((len(rows),), kind)
        )


def test_it_is_the_ridge_regression_from_sketches_to_their_own_photos(figures: Dataset) -> None:
    found = objective(figures)
    own = found.known.own_photo
    drawn = np.flatnonzero(own >= 0).tolist()
    sketches, photos = standard(found, drawn, SKETCH), standard(found, own[drawn].tolist(), PHOTO)
    solver = Solver(alpha=0.5 * len(drawn), fit_intercept=False).fit(sketches.double(), photos.double())
    wanted = solver.predict(sketches.double())
    assert np.allclose((sketches @ method_of(found).weight).numpy(), wanted, atol=1e-2)
    assert np.allclose(method_of(found).weight.numpy(), solver.coef_.T, atol=1e-3)


def test_a_sketch_is_embedded_as_the_photo_that_is_predicted(figures: Dataset) -> None:
    found = objective(figures)
    method, kinds = method_of(found), torch.tensor([SKETCH, PHOTO, SKETCH])
    rows = [3, 0, 4]
    with torch.no_grad():
        vectors = method.pooled(found.learner, found.views.images(rows), kinds)
        predicted = torch.stack([vectors[0] @ method.weight, vectors[1], vectors[2] @ method.weight])
        wanted = F.normalize(predicted @ method.pooled.directions.T, dim=1)
        embedded = found.network.embed(found.views.images(rows), kinds)
        assert torch.allclose(embedded, wanted, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            half = found.network.embed(found.views.images(rows), kinds)
    assert (half * wanted).sum(1).min() > 0.999


def test_the_less_the_penalty_the_nearer_it_comes(figures: Dataset) -> None:
    errors = [float(objective(figures, penalty).loss(0)["error"]) for penalty in (1e-3, 1.0, 1e6)]
    assert errors[0] < errors[1] < 0.5 * errors[2]


def test_the_loss_tells_how_far_predictions_are_off_and_trains_nothing(figures: Dataset) -> None:
    found = objective(figures)
    seen = found.seen(0)
    count = len(seen.rows) // 2
    sketches, photos = (
        standard(found, rows, kind)
        for rows, kind in ((seen.rows[:count].tolist(), SKETCH), (seen.rows[count:].tolist(), PHOTO))
    )
    terms = found.loss(0)
    wanted = float(((sketches @ method_of(found).weight - photos) ** 2).mean())
    assert float(terms["error"]) == pytest.approx(wanted, rel=1e-4)
    assert float(terms["total"].detach()) == float(terms["error"])
    terms["total"].backward()  # type: ignore[no-untyped-call]
    assert not method_of(found).learns
    assert [name for name, value in found.network.named_parameters() if value.requires_grad] == [
        "method.idle"
    ]
    assert float(method_of(found).idle.grad or 0) == 0
