"""ZSE-SBIR as a method: what it draws, trains, scores, and explains."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from model.data.datasets import PHOTO, SKETCH, Dataset
from model.errors import ModelError
from model.training.methods.zse import Draws, Zse
from model.training.objective import Objective
from model.training.recipe import Recipe, read_recipe
from model.training.run import Run, Settings
from tests.kit.training import tiny_data, tiny_network, tiny_objective, tiny_zse

SMALL = {"dimension": 8, "size": 64, "batch": 8, "steps": 2, "average": 0.0, "views": 1}


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return tiny_data(tmp_path)


def recipe(**changes: object) -> Recipe:
    return read_recipe("lite-base", "zse", **({"architecture": "test_efficientnet"} | SMALL | changes))


def objective(data: Dataset, **changes: object) -> Objective:
    found = tiny_objective(recipe(**changes), data)
    found.network.eval()
    return found


def test_a_draw_is_two_sketches_their_photo_and_another_ones(data: Dataset) -> None:
    draws = Draws(data.records, 8, seed=3)
    seen = set()
    for step in range(200):
        rows = draws(step).all
        assert draws(step).all == rows, "a step depends on its number only"
        records = [data.records[row] for row in rows]
        assert [record.modality for record in records] == [SKETCH] * 4 + [PHOTO] * 4
        for first, second, own, other in zip(*(records[at : at + 2] for at in (0, 2, 4, 6)), strict=True):
            assert first.label == second.label == own.label != other.label
        seen.update(rows)
    assert seen == set(range(len(data.records))), "no picture is left out"


@pytest.mark.parametrize("exchange", ["none", "code", "figure"])
def test_every_part_of_it_learns(data: Dataset, exchange: str) -> None:
    found = tiny_objective(recipe(options={"exchange": exchange}), data)
    terms = found.loss(0)
    assert terms["total"].item() == pytest.approx(
        2 * terms["triplet"].item() + 4 * terms["relation"].item(), rel=1e-5
    )
    terms["total"].backward()
    still = {
        name for name, value in found.method.named_parameters() if value.requires_grad and value.grad is None
    }
    assert not still


def test_scores_are_for_each_pair_and_do_not_depend_on_the_company(data: Dataset) -> None:
    found = objective(data)
    sketches, photos = (found.views.images(rows) for rows in ([3, 4], [0, 1, 2]))
    scores = found.method.score(found.learner, sketches, photos)
    assert scores is not None
    assert scores.shape == (2, 3)
    alone = found.method.score(found.learner, sketches[1:], photos[2:])
    assert alone is not None
    assert torch.allclose(scores[1, 2], alone[0, 0], atol=1e-5)


def test_what_parts_add_sums_up_to_the_score(data: Dataset) -> None:
    found = objective(data)
    sketch, photo = (found.views.images([row]) for row in (3, 0))
    told = found.method.explain(found.learner, sketch, photo)
    assert told is not None
    assert told["kernel"].shape == told["adds"].shape
    assert float(told["adds"].sum()) + told["rest"] == pytest.approx(told["logit"], abs=1e-4)
    scores = found.method.score(found.learner, sketch, photo)
    assert scores is not None
    assert told["logit"] == pytest.approx(float(scores), abs=1e-5)


def test_a_resumed_run_gets_the_same_layers(data: Dataset) -> None:
    first, second = (objective(data).method.state_dict() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_of_a_vit_can_be_saved_and_goes_on(data: Dataset, tmp_path: Path) -> None:
    chosen, network = tiny_zse(data)

    def run(out: str) -> Run:
        quiet = Settings(tmp_path / out, save_every=1, say=lambda _: None)
        return Run(tiny_objective(chosen, data, copy.deepcopy(network)), None, quiet, "some data")

    whole = run("whole")
    whole.go()
    again = run("whole")
    again.resume()
    assert again.state.step == again.state.steps == 2
    ours, theirs = (each.network.state_dict() for each in (whole, again))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_ret_is_embedded_as_it_is_where_the_width_fits(data: Dataset) -> None:
    own = {"architecture": "test_vit", "backbone": "overlapping", "dimension": 64, "frozen_stages": 0}
    from model.backbones.overlapping import Overlapping
    from model.training.learners.lite import LiteLearner
    from model.training.network import Network, method_of

    chosen = recipe(**own)
    torch.manual_seed(0)
    learner = LiteLearner(Overlapping().build("test_vit", None, 64), None, chosen)
    found = tiny_objective(chosen, data, Network(method_of(chosen), learner))
    found.network.eval()
    inputs = found.views.images([0, 3])
    ret = learner.tokens(inputs).whole
    wanted = torch.nn.functional.normalize(ret, dim=-1)
    assert torch.allclose(found.network.embed(inputs, torch.tensor([0, 1])), wanted, atol=1e-5)
    assert not learner.projection.weight.requires_grad
    assert isinstance(found.method, Zse)


def test_towers_without_local_tokens_are_refused_by_name(data: Dataset) -> None:
    network = tiny_network(recipe(architecture="resnet18", frozen_stages=0))
    with pytest.raises(ModelError, match="ResNet gives no local tokens"):
        tiny_objective(recipe(architecture="resnet18", frozen_stages=0), data, network)


def test_the_shipped_recipe_is_the_published_one() -> None:
    shipped = read_recipe("zse-b16")
    assert (shipped.batch, shipped.steps, shipped.tower_rate, shipped.weight_decay) == (
        60,
        20_000,
        1e-5,
        1e-2,
    )
    assert (shipped.architecture, shipped.family, shipped.dimension) == (
        "vit_base_patch16_224",
        "overlapping",
        768,
    )
