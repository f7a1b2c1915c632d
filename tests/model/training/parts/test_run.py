"""The run of a local head: what it learns, and what happens when it is killed."""

from pathlib import Path

import pytest
import torch

from model.training.parts.objective import Objective
from model.training.parts.run import Run, Settings
from model.training.state import RunProblem
from tests.kit.parts import SMALL, objective


class Killed(Exception):
    """Stands for a signal."""


def run(made: Objective, folder: Path) -> Run:
    started = Run(made, Settings(folder, report_every=1, save_every=2, say=lambda _: None), "data")
    started.resume()
    return started


def test_a_killed_run_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    run(objective(), tmp_path / "whole").go()
    killed = run(objective(), tmp_path / "killed")
    loss = killed.objective.loss

    def dies(step: int) -> object:
        if step == 3:
            raise Killed
        return loss(step)

    killed.objective.loss = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Killed):
        killed.go()
    resumed = run(objective(), tmp_path / "killed")
    assert resumed.state.step == 2
    resumed.go()
    for name in ("state.safetensors", "curves.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert (tmp_path / "killed" / "curves.png").is_file()


def test_the_loss_falls(tmp_path: Path) -> None:
    options = SMALL.model_copy(update={"steps": 60, "rate": 2e-2, "warm_up": 5})
    training = run(objective(options), tmp_path)
    training.go()
    losses = [row["total"] for row in training.state.history]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_a_run_with_other_options_is_refused(tmp_path: Path) -> None:
    run(objective(), tmp_path).go()
    with pytest.raises(RunProblem, match="holds a run with other options"):
        run(objective(SMALL.model_copy(update={"rate": 1e-3})), tmp_path)


def test_a_loss_that_is_no_number_ends_the_run_with_the_last_good_state(tmp_path: Path) -> None:
    started = run(objective(), tmp_path)
    started.matcher.log_scale.data.fill_(float("nan"))
    with pytest.raises(RunProblem, match="step 0: the loss own is nan"):
        started.go()
    assert not started.file.exists()


def test_too_little_memory_is_said_plainly(tmp_path: Path) -> None:
    started = run(objective(), tmp_path)

    def greedy(step: int) -> dict[str, torch.Tensor]:
        raise RuntimeError("not enough memory: you tried")

    started.objective.loss = greedy  # type: ignore[method-assign]
    with pytest.raises(
        RunProblem, match=r"out of memory at step 0 \(not enough.*smaller batch, with --pseudo"
    ):
        started.go()
