"""Training: it learns, a killed run ends where an unbroken one does, trouble leaves the last good state."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.errors import ModelError
from model.training.learner import build
from model.training.losses import PHOTO, instance_loss, strip, unit
from model.training.objective import Objective
from model.training.recipe import Recipe, read_recipe
from model.training.run import Run, Settings, unseen_map
from model.training.state import RunProblem, read_whole
from model.training.views import Material, with_pseudo_sketches
from tests.kit.training import (
    LABELS,
    say,
    tiny_clip,
    tiny_data,
    tiny_learner,
    tiny_recipe,
)


def prepared(folder: Path, recipe: Recipe, *, validate: bool = True) -> tuple[Objective, Material | None]:
    data = tiny_data(folder / "data")
    learner = tiny_learner(recipe)
    seen, unseen = data.without(LABELS[:2]), data.subset(LABELS[:2])
    records = with_pseudo_sketches(seen.records)
    material = Material(records, learner, size=recipe.size, views=recipe.views, seed=recipe.seed)
    material.keep(folder / "seen.f16")
    judged = Material(unseen.records, learner, size=recipe.size, views=1, seed=0) if validate else None
    objective = Objective(recipe, seen, material, learner)
    objective.lay_anchors()
    return objective, judged


def quiet(folder: Path, **changes: int) -> Settings:
    return Settings(folder, report_every=1, save_every=2, judge_every=3, say=lambda _: None, **changes)


def start(folder: Path, out: str = "run", *, validate: bool = True, **changes: object) -> Run:
    objective, judged = prepared(folder, tiny_recipe(**changes), validate=validate)
    return Run(objective, judged, quiet(folder / out), "some data")


def test_the_loss_falls_and_the_run_leaves_its_files(tmp_path: Path) -> None:
    run = start(tmp_path, steps=12, tower_rate=3e-3, head_rate=3e-3)
    outcome = run.go()
    losses = [row["total"] for row in outcome.history]
    assert sum(losses[-4:]) < sum(losses[:4])
    assert outcome.weights.is_file()
    assert 0 < outcome.unseen_map <= 1
    with (tmp_path / "run" / "curves.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    assert [int(float(row["step"])) for row in rows] == list(range(1, 13))
    assert {"prototypes", "words", "across", "keep_photos", "own_photo", "unseen_map"} <= set(rows[0])
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_killed_run_reaches_the_same_place(tmp_path: Path) -> None:
    whole = start(tmp_path, "whole")
    whole.go()
    broken = start(tmp_path, "broken")
    steps = iter(range(3))

    def killed(step: int) -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        Run._step(broken, step)

    broken._step = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        broken.go()
    again = start(tmp_path, "broken")
    again.resume()
    assert again.progress.step == 2
    again.go()
    for name, value in whole.learner.state_dict().items():
        assert torch.equal(value, again.learner.state_dict()[name]), name
    assert again.progress.history == whole.progress.history
    first, second = (read_whole(tmp_path / run / "best.safetensors")[0] for run in ("whole", "broken"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_recipe_does_not_go_on_with_a_run(tmp_path: Path) -> None:
    start(tmp_path, steps=2).go()
    other = start(tmp_path, steps=2, seed=9)
    with pytest.raises(RunProblem, match="another recipe or other data"):
        other.resume()


def test_a_loss_that_is_no_number_stops_the_run_with_the_last_state(tmp_path: Path) -> None:
    run = start(tmp_path, steps=6)
    real = run.objective.loss

    def spoilt(step: int) -> dict[str, torch.Tensor]:
        found = real(step)
        return found | {"across": found["across"] * math.nan} if step == 4 else found

    run.objective.loss = spoilt  # type: ignore[method-assign]
    with pytest.raises(RunProblem, match=r"step 4: the loss across is nan.*smaller learning rate"):
        run.go()
    again = start(tmp_path, steps=6)
    again.resume()
    assert again.progress.step == 4
    assert all(torch.isfinite(value).all() for value in again.learner.state_dict().values())


def test_a_full_disk_stops_the_run_with_the_last_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(tmp_path, steps=6, validate=False)
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
    again = start(tmp_path, steps=6, validate=False)
    again.resume()
    assert again.progress.step == 2


@pytest.mark.parametrize("error", [MemoryError("64 GB"), RuntimeError("not enough memory: you tried")])
def test_too_little_memory_is_said_plainly(tmp_path: Path, error: Exception) -> None:
    run = start(tmp_path)

    def greedy(step: int) -> dict[str, torch.Tensor]:
        raise error

    run.objective.loss = greedy  # type: ignore[method-assign]
    with pytest.raises(RunProblem, match=r"out of memory at step 0 with batches of 8.*smaller batch"):
        run.go()


def test_frozen_parts_do_not_move_and_the_average_follows(tmp_path: Path) -> None:
    run = start(tmp_path, steps=3, validate=False)
    before = {name: value.clone() for name, value in run.learner.state_dict().items()}
    outcome = run.go()
    kept = read_whole(outcome.weights)[0]
    moved = {name for name, value in run.learner.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(
        name.startswith(("backbone.conv_stem", "backbone.blocks.0", "backbone.blocks.3")) for name in moved
    )
    assert not any("running_" in name for name in moved)
    assert {"encodings", "projection.weight", "text.weight", "classifier.weight"} <= moved
    assert any(name.startswith("backbone.blocks.5") for name in moved)
    assert all(torch.allclose(kept[name], value) for name, value in run.average.state_dict().items())


def test_encodings_start_as_the_recipe_says(tmp_path: Path) -> None:
    found = {}
    for way in ("means", "normal", "none"):
        objective, _ = prepared(tmp_path / way, tiny_recipe(encodings=way, anchors={}), validate=False)
        found[way] = objective.learner.encodings
        assert objective.anchors is None
    assert float(found["means"][0].detach().norm()) < 1 < float(found["normal"][0].detach().norm())
    assert (float(found["none"].abs().sum()), found["none"].requires_grad) == (0.0, False)


def paired(folder: Path, **changes: object) -> Objective:
    """Like `prepared`, but each drawing was made from the photo of its number."""
    data = tiny_data(folder / "data")
    data = replace(data, records=tuple(replace(r, pair=f"{r.label} {r.path.stem}") for r in data.records))
    recipe = tiny_recipe(**changes)
    learner = tiny_learner(recipe)
    material = Material(data.records, learner, size=recipe.size, views=1, seed=0)
    objective = Objective(recipe, data, material, learner)
    objective.lay_anchors()
    return objective


def test_instances_of_a_batch_are_told_apart_and_their_photos_are_not_held(tmp_path: Path) -> None:
    weights = {"clip": 0, "instance": 1.0}
    plain = paired(tmp_path, loss_weights=weights)
    objective = paired(tmp_path, instances=3, loss_weights=weights)
    assert (plain.sampler.batch_size, objective.sampler.batch_size) == (8, 2)
    found, rest = objective.loss(0), objective.sampler.batch(0)
    rows = rest + objective.instances.batch(0)
    embedded = objective.learner.images(objective.material.images(rows, 0))
    modality = torch.from_numpy(objective.modality[rows])
    semantic = unit(strip(embedded, objective.learner.encodings, modality)).detach()
    pairs = torch.tensor(
        [row if own < 0 else own for row, own in zip(rows, objective.own[rows], strict=True)]
    )
    assert float(found["instance"].detach()) == pytest.approx(
        float(instance_loss(semantic, pairs, modality, objective.recipe.logit_scale)), rel=0.02
    )
    assert objective.anchors is not None
    held = [place for place, row in enumerate(rest) if objective.modality[row] == PHOTO]
    apart = 1 - (semantic[held] * objective.anchors.photos[[rest[place] for place in held]]).sum(1)
    assert float(found["keep_photos"].detach()) == pytest.approx(float(apart.mean()), abs=0.01)


def test_a_random_open_clip_model_takes_the_authors_steps(tmp_path: Path) -> None:
    authors = read_recipe("masbir-b32").model_dump(
        include={"loss_weights", "authors_share", "captions", "logit_scale"}
    )
    recipe = tiny_recipe(
        **authors, towers="open_clip", architecture=tiny_clip(), anchors={}, encodings="normal",
        views=1, dimension=16,
        steps=2, batch=4, tower_rate=1e-4, head_rate=5e-3, average=0.0, frozen_stages=0,
    )  # fmt: skip
    data = tiny_data(tmp_path / "data", count=1)
    learner = build(recipe, random_weights=True)
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    material = Material(data.records, learner, size=recipe.size, views=1, seed=0)
    outcome = Run(Objective(recipe, data, material, learner), None, quiet(tmp_path / "run"), "some data").go()
    for row in outcome.history:
        whole = row["clip"] + 0.1 * row["semantic_centre"] + 0.1 * row["modality_classifier"]
        assert row["total"] == pytest.approx((whole + 0.02 * row["reconstruction"]) / 1.22, rel=1e-4)
    moved = {name for name, value in learner.state_dict().items() if not torch.equal(value, before[name])}
    assert {"encodings", "classifier.weight", "model.visual.conv1.weight", "model.text_projection"} <= moved
    assert float(learner.scale(0.0).detach()) == pytest.approx(2.6592, abs=1e-3)


def test_an_unknown_open_clip_model_is_refused_by_name() -> None:
    recipe = tiny_recipe(towers="open_clip", architecture="ViT-Z-1", anchors={}, encodings="normal")
    with pytest.raises(ModelError, match="ViT-Z-1"):
        build(recipe)


def test_unseen_map_needs_both_modalities(tmp_path: Path) -> None:
    learner = tiny_learner(tiny_recipe())
    photos = Material(tiny_data(tmp_path).of("photo"), learner, size=32, views=1, seed=0)
    with pytest.raises(Exception, match="need sketches and photos"):
        unseen_map(learner, photos)


def test_words_have_a_vector_each() -> None:
    assert say(["cat", "dog"]).shape == (2, 384)
