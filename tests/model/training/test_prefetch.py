"""Batches made ahead: the same, in order, in another thread, and errors where they belong."""

import threading
from pathlib import Path

import pytest
import torch

from model.training.objective import Objective
from model.training.prefetch import Ahead
from model.training.views import Material
from tests.kit.training import tiny_data, tiny_learner, tiny_recipe

CPU = torch.device("cpu")


def test_the_next_is_made_meanwhile_and_none_twice() -> None:
    made: list[int] = []
    third = threading.Event()

    def make(step: int) -> torch.Tensor:
        assert threading.current_thread() is not threading.main_thread()
        made.append(step)
        if step == 2:
            third.set()
        return torch.full((2, 2), float(step))

    ahead = Ahead(make, CPU)
    assert [float(ahead(step)[0, 0]) for step in (0, 1)] == [0.0, 1.0]
    assert third.wait(20), "nobody asked for step 2 yet, but it is made"
    # A run that was taken up elsewhere.
    assert float(ahead(7)[0, 0]) == 7.0
    assert made[:4] == [0, 1, 2, 7]


def test_an_error_comes_with_the_step_that_it_belongs_to() -> None:
    def make(step: int) -> torch.Tensor:
        if step == 1:
            raise ValueError("a damaged picture")
        return torch.zeros(1)

    ahead = Ahead(make, CPU)
    ahead(0)
    with pytest.raises(ValueError, match="damaged"):
        ahead(1)
    assert float(ahead(2)) == 0.0


def test_a_run_on_a_card_sees_the_batches_that_one_on_the_cpu_sees(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    data, learner = tiny_data(tmp_path / "data"), tiny_learner(recipe)
    material = Material(data.records, learner, size=recipe.size, views=recipe.views, seed=0)
    material.keep(tmp_path / "seen.f16")
    objective = Objective(recipe, data, material, learner)
    objective.lay_anchors()
    plain = [float(objective.loss(step)["total"].detach()) for step in range(3)]
    objective._ahead = Ahead(objective._inputs, CPU)
    assert [float(objective.loss(step)["total"].detach()) for step in range(3)] == pytest.approx(plain)
