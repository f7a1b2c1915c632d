"""Training: it learns, a killed run ends where an unbroken one does, trouble leaves the last good state."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.data.datasets import Dataset
from model.errors import ModelError
from model.training.losses.contrast import instance_loss
from model.training.losses.encodings import PHOTO, semantic_vectors
from model.training.methods.masbir import Masbir
from model.training.network import build
from model.training.objective import Objective
from model.training.recipe import read_recipe
from model.training.run import Run, Settings, ended
from model.training.state import ALONE, AMONG, RunProblem, begun, read_whole
from tests.kit.training import (
    LABELS,
    say,
    tiny_clip,
    tiny_objective,
    tiny_recipe,
    tiny_views,
    with_pairs,
)

Start = Callable[..., Run]


@pytest.fixture
def start(figures: Dataset, caches: Path, tmp_path: Path) -> Start:
    """A run on half of the labels, validated on the others."""

    def started(out: str = "run", *, validate: bool = True, **changes: object) -> Run:
        objective = tiny_objective(
            tiny_recipe(**changes), figures.without(LABELS[:2]), cache=caches / "seen.f16"
        )
        unseen = tiny_views(figures.subset(LABELS[:2]).records, objective.network) if validate else None
        return Run(objective, unseen, quiet(tmp_path / out), "some data")

    return started


def quiet(folder: Path, **changes: int) -> Settings:
    return Settings(folder, report_every=1, save_every=2, validate_every=3, say=lambda _: None, **changes)


def test_the_loss_falls_and_the_run_leaves_its_files(start: Start, tmp_path: Path) -> None:
    run = start(steps=12, tower_rate=3e-3, head_rate=3e-3)
    outcome = run.go()
    losses = [row["total"] for row in outcome.history]
    assert sum(losses[-4:]) < sum(losses[:4])
    assert outcome.weights.is_file()
    assert 0 < outcome.best <= 1
    assert outcome.best == max(row.get(AMONG, -1) for row in outcome.history)
    with (tmp_path / "run" / "curves.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    assert [int(float(row["step"])) for row in rows] == list(range(1, 13))
    assert {"prototypes", "words", "across", "keep_photos", "own_photo", ALONE, AMONG} <= set(rows[0])
    hours = [float(row["hours"]) for row in rows]
    assert hours == sorted(hours)
    assert 0 < hours[0] < hours[-1]
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_killed_run_reaches_the_same_place(start: Start, tmp_path: Path) -> None:
    whole = start("whole")
    whole.go()
    stopped(start("broken"), 3)
    again = start("broken")
    again.resume()
    assert again.state.step == 2
    again.go()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name
    assert again.state.history == whole.state.history
    assert len(again.state.hours) == len(again.state.history), "those before the kill count, too"
    assert again.state.hours == sorted(again.state.hours)
    first, second = (read_whole(tmp_path / run / "best.safetensors")[0] for run in ("whole", "broken"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_that_starts_over_keeps_nothing_of_the_one_before(start: Start, tmp_path: Path) -> None:
    weights = start(validate=False, steps=2).go().weights
    before = weights.read_bytes()
    (tmp_path / "run" / "state.safetensors").unlink()
    outcome = start(validate=False, steps=4).go()
    assert (outcome.step, weights.read_bytes() != before) == (4, True)
    again = start(validate=False, steps=4)
    again.resume()
    assert again.go().step == 4
    finished = ended(tmp_path / "run", begun(tmp_path / "run" / "state.safetensors"))
    assert finished is not None
    assert finished.step == 4


def test_another_recipe_does_not_go_on_with_a_run(start: Start, tmp_path: Path) -> None:
    start(steps=2).go()
    other = start(steps=2, seed=9)
    with pytest.raises(RunProblem, match="holds a run with another recipe: give"):
        other.resume()


def test_a_loss_that_is_no_number_stops_the_run_with_the_last_state(start: Start, tmp_path: Path) -> None:
    run = start(steps=6)
    real = run.objective.loss

    def spoilt(step: int) -> dict[str, torch.Tensor]:
        found = real(step)
        return found | {"across": found["across"] * math.nan} if step == 4 else found

    run.objective.loss = spoilt  # type: ignore[method-assign]
    with pytest.raises(RunProblem, match=r"step 4: the loss across is nan.*smaller learning rate"):
        run.go()
    again = start(steps=6)
    again.resume()
    assert again.state.step == 4
    assert all(torch.isfinite(value).all() for value in again.network.state_dict().values())


def test_a_full_disk_stops_the_run_with_the_last_state(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(steps=6, validate=False)
    writes = {"count": 0}
    real = save_file

    def full(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        writes["count"] += 1
        if writes["count"] > 1:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(tensors, path, metadata)

    monkeypatch.setattr("model.training.state.save_file", full)
    with pytest.raises(RunProblem, match=r"No space left.*last good state is kept"):
        run.go()
    assert not list((tmp_path / "run").glob("*.part"))
    again = start(steps=6, validate=False)
    again.resume()
    assert again.state.step == 2


@pytest.mark.parametrize("error", [MemoryError("64 GB"), RuntimeError("not enough memory: you tried")])
def test_too_little_memory_is_said_plainly(start: Start, tmp_path: Path, error: Exception) -> None:
    run = start()

    def greedy(step: int) -> dict[str, torch.Tensor]:
        raise error

    run.objective.loss = greedy  # type: ignore[method-assign]
    with pytest.raises(RunProblem, match=r"out of memory at step 0 with batches of 8.*smaller batch"):
        run.go()


def test_frozen_parts_do_not_move_and_the_average_follows(start: Start, tmp_path: Path) -> None:
    run = start(steps=3, validate=False)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    outcome = run.go()
    kept = read_whole(outcome.weights)[0]
    moved = {name for name, value in run.network.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(
        name.startswith(tuple(f"learner.backbone.{part}" for part in ("conv_stem", "blocks.0", "blocks.3")))
        for name in moved
    )
    assert not any("running_" in name for name in moved)
    assert {
        "method.encodings",
        "learner.projection.weight",
        "learner.text.weight",
        "method.classifier.weight",
    } <= moved
    assert any(name.startswith("learner.backbone.blocks.4") for name in moved)
    assert all(torch.allclose(kept[name], value) for name, value in run.average.state_dict().items())


def masbir(objective: Objective) -> Masbir:
    assert isinstance(objective.method, Masbir)
    return objective.method


def test_encodings_start_as_the_recipe_says(figures: Dataset, caches: Path) -> None:
    found = {}
    for way in ("means", "normal", "none"):
        objective = tiny_objective(tiny_recipe(encodings=way, anchors={}), figures, cache=caches / "all.f16")
        found[way] = objective.method.encodings
        assert masbir(objective).anchors is None
    assert float(found["means"][0].detach().norm()) < 1 < float(found["normal"][0].detach().norm())
    assert (float(found["none"].abs().sum()), found["none"].requires_grad) == (0.0, False)


def test_instances_of_a_batch_are_told_apart_and_their_photos_are_not_held(
    figures: Dataset, caches: Path
) -> None:
    weights = {"clip": 0, "instance": 1.0}
    recipe = tiny_recipe(instances=3, loss_weights=weights)
    objective = tiny_objective(recipe, with_pairs(figures), cache=caches / "all.f16")
    found, seen = objective.loss(0), objective.seen(0)
    assert (seen.evenly, len(seen.rows)) == (2, 8)
    known, photos = objective.known, seen.modality == PHOTO
    semantic = semantic_vectors(seen.embedded, objective.method.encodings, seen.modality).detach()
    pairs = torch.tensor([row if known.own_photo[row] < 0 else known.own_photo[row] for row in seen.rows])
    scale = masbir(objective).settings.logit_scale
    expected = instance_loss(semantic, pairs, seen.modality, scale)
    assert float(found["instance"].detach()) == pytest.approx(float(expected), rel=0.02)
    reference = masbir(objective).anchors
    assert reference is not None
    held = [place for place in range(seen.evenly) if photos[place]]
    apart = 1 - (semantic[held] * reference.photos[seen.rows[held]]).sum(1)
    assert float(found["keep_photos"].detach()) == pytest.approx(float(apart.mean()), abs=0.01)


def test_a_random_open_clip_model_takes_the_authors_steps(figures: Dataset, tmp_path: Path) -> None:
    recipe = read_recipe(
        "masbir-b32", architecture=tiny_clip(), pretrained=None, dimension=16, size=32,
        batch=4, steps=2, epochs=None, tower_rate=1e-4,
    )  # fmt: skip
    network = build(recipe, random_weights=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    objective = tiny_objective(recipe, figures, network)
    outcome = Run(objective, None, quiet(tmp_path / "run"), "some data").go()
    for row in outcome.history:
        whole = row["clip"] + 0.1 * row["semantic_centre"] + 0.1 * row["modality_classifier"]
        assert row["total"] == pytest.approx((whole + 0.02 * row["reconstruction"]) / 1.22, rel=1e-4)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {"method.encodings", "method.classifier.weight"} <= moved
    assert {"learner.model.visual.conv1.weight", "learner.model.text_projection"} <= moved
    assert network.learner.logit_scale is not None
    assert float(network.learner.logit_scale.detach()) == pytest.approx(2.6592, abs=1e-3)


def test_an_unknown_open_clip_model_is_refused_by_name() -> None:
    recipe = tiny_recipe(towers="open_clip", architecture="ViT-Z-1", anchors={}, encodings="normal")
    with pytest.raises(ModelError, match="ViT-Z-1"):
        build(recipe)


def test_a_run_from_before_there_was_a_choice_goes_by_its_first_figure(start: Start, tmp_path: Path) -> None:
    stopped(start("old"), 4)
    state = tmp_path / "old" / "state.safetensors"
    tensors, metadata = read_whole(state)
    progress = json.loads(metadata["progress"])
    assert progress.pop("chosen_by") == AMONG
    progress |= {"best": 0.0, "best_step": 3}
    save_file(tensors, state, {"progress": json.dumps(progress)})
    again = start("old")
    again.resume()
    outcome = again.go()
    assert outcome.best == outcome.history[-1][ALONE]
    assert AMONG not in outcome.history[-1]


def test_views_that_are_not_cached_are_not_mixed_in_while_training(figures: Dataset, tmp_path: Path) -> None:
    objective = tiny_objective(tiny_recipe(steps=3), figures.without(LABELS[:1]))
    unseen = tiny_views(figures.subset(LABELS[:1]).records, objective.network)
    outcome = Run(objective, unseen, quiet(tmp_path / "run"), "some data").go()
    assert outcome.best == outcome.history[-1][ALONE]
    assert AMONG not in outcome.history[-1]


def test_a_run_of_0_1_goes_on(start: Start, tmp_path: Path) -> None:
    """Its learner held the method's parameters, and its digest was that of a recipe with other fields."""
    whole = start("whole")
    whole.go()
    begun = start("begun")
    begun.state.recipe = str(begun.recipe.digest_of_0_1)
    stopped(begun, 4)
    state = tmp_path / "begun" / "state.safetensors"
    tensors, metadata = read_whole(state)
    save_file({name_in_0_1(name): value for name, value in tensors.items()}, state, metadata)
    again = start("begun")
    again.resume()
    assert (again.state.step, again.state.recipe) == (4, again.recipe.digest)
    again.go()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


def name_in_0_1(name: str) -> str:
    kind, _, rest = name.partition(".")
    home = "learner" if kind == "network" else kind
    return f"{home}.{rest.removeprefix('method.').removeprefix('learner.')}"


def stopped(run: Run, step: int) -> None:
    """Let it go up to that step, and kill it."""
    real = run.objective.loss

    def killed(number: int) -> dict[str, torch.Tensor]:
        if number == step:
            raise KeyboardInterrupt
        return real(number)

    run.objective.loss = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run.go()


def test_words_have_a_vector_each() -> None:
    assert say(["cat", "dog"]).shape == (2, 384)
