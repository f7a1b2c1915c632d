"""The training run: from a recipe and data to trained weights, through kills, full disks and wrong rates.

Every step depends only on the recipe, the data and its number, and the state is saved whole, so a resumed run ends
where it would have ended anyway. The checkpoint that is kept is the best one on classes of a validation set that
training never saw, among photos that it did see; without a validation set it is the last.
"""

import copy
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from model.data.datasets import Dataset
from model.training.curves import write_csv, write_picture
from model.training.descent import descend, follow, watched
from model.training.network import Network
from model.training.objective import Objective
from model.training.recipe import Recipe
from model.training.state import (
    ALONE,
    AMONG,
    STATE,
    RunProblem,
    RunState,
    begun,
    restore,
    save,
    trained,
    write_whole,
)
from model.training.validation import WHILE_TRAINING, embedded, figures, photo_rows, zero_shot
from model.training.views import Views

LARGEST_GRADIENT = 5.0
BETAS = (0.9, 0.98)
BEST = "best.safetensors"


@dataclass(frozen=True)
class Settings:
    """How a run is monitored and saved; none of it affects what is learned."""

    folder: Path
    report_every: int = 10
    save_every: int = 20
    validate_every: int = 40
    say: Callable[[str], None] = print


@dataclass(frozen=True)
class Outcome:
    """Where the kept weights are, and the figure they were chosen by (-1 if there is none)."""

    weights: Path
    step: int
    best: float
    history: tuple[dict[str, float], ...]


class Run:
    """A training run in its folder: `state.safetensors`, `best.safetensors`, `curves.csv`, `curves.png`."""

    def __init__(self, objective: Objective, validation: Views | None, settings: Settings, data: str) -> None:
        self.objective, self.validation, self.settings = objective, validation, settings
        self.recipe: Recipe = objective.recipe
        self.network = objective.network
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = optimiser(self.network, self.recipe)
        steps = self.recipe.length(len(objective.views))
        # Without a cache, preparing that many photos each time would take longer than training.
        self.others = photo_rows(objective.views, WHILE_TRAINING) if objective.views.cached else []
        self.state = RunState(self.recipe.digest, data, steps, chosen_by=AMONG if self.others else ALONE)
        self.file = settings.folder / STATE
        self.best = settings.folder / BEST

    def resume(self) -> None:
        """Resume what an earlier call left in the folder, if it had the same recipe and data."""
        if not self.file.is_file():
            return
        # Before its tensors, which need not fit those of other data.
        found = restore(self.file, self.network, self.average, self.optimiser, self._refuse_other)
        self.state = found
        self.settings.say(f"resuming at step {found.step} of {found.steps}")

    def _refuse_other(self, found: RunState) -> None:
        if found.recipe == self.recipe.digest_of_0_1:
            found.recipe = self.recipe.digest
        _refuse_other(self.settings.folder, found, self.recipe, self.state.data)

    def go(self) -> Outcome:
        """Train to the end; on failure, stop with one clear error and keep the last good state on disk."""
        self.network.train()
        started, first, before = time.monotonic(), self.state.step, self.state.seconds
        if first == 0:
            # Of a run that was here before, and whose state was removed to start over.
            self.best.unlink(missing_ok=True)
        with watched(self._out_of_memory):
            for step in range(first, self.state.steps):
                self._step(step)
                spent = time.monotonic() - started
                self.state.seconds = before + spent
                self._after(step + 1, spent / (step + 1 - first))
        if self.validation is None or not self.best.is_file():
            self._keep(self.state.step)
        outcome = ended(self.settings.folder, self.state)
        assert outcome is not None
        return outcome

    def _step(self, step: int) -> None:
        share = self.recipe.rate(step, self.state.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * share
        torch.manual_seed(self.recipe.seed * 1_000_003 + step)
        found = self.objective.loss(step)
        remedy = "a smaller learning rate"
        values = descend(found, self.network, self.optimiser, LARGEST_GRADIENT, step=step, remedy=remedy)
        self.objective.after()
        follow(self.average, self.network, self.recipe.average, step)
        if (step + 1) % self.settings.report_every == 0 or step + 1 == self.state.steps:
            self.state.history.append({"step": float(step + 1), "rate": share} | values)

    def _after(self, step: int, seconds: float) -> None:
        last = step == self.state.steps
        self.state.step = step
        if step % self.settings.report_every == 0 or last:
            self.state.hours.append(round(self.state.seconds / 3600, 6))
            left = seconds * (self.state.steps - step)
            rate = self.recipe.batch / seconds
            loss = self.state.history[-1]["total"]
            where = f"step {step}/{self.state.steps}"
            self.settings.say(f"{where}  loss {loss:.3f}  {rate:.0f} images/s  {left / 60:.1f} min left")
        if self.validation is not None and (step % self.settings.validate_every == 0 or last):
            self._validate(step)
        if step % self.settings.save_every == 0 or last:
            write_csv(self.settings.folder / "curves.csv", self.state.told)
            save(self.file, self.state, self.network, self.average, self.optimiser)
        if last:
            write_picture(self.settings.folder / "curves.png", self.state.told)

    def _validate(self, step: int) -> None:
        assert self.validation is not None
        question = zero_shot(self.average, self.validation)
        found = {ALONE: figures(question)["mAP@all"]}
        told = f"step {step}: mAP {found[ALONE]:.4f} on unseen classes"
        # A run keeps to the figure that it began with: those of two galleries cannot be compared.
        if self.state.chosen_by == AMONG:
            others = embedded(self.average, self.objective.views, self.others)
            found[AMONG] = figures(question.among(others))["mAP@200"]
            told += f", mAP@200 {found[AMONG]:.4f} among {len(others)} training photos"
        self.settings.say(told)
        if self.state.history:
            self.state.history[-1].update(found)
        if found[self.state.chosen_by] > self.state.best:
            self.state.best = found[self.state.chosen_by]
            self._keep(step)

    def _keep(self, step: int) -> None:
        self.state.best_step = step
        write_whole(self.best, trained(self.average), {"step": str(step)})

    def _out_of_memory(self, said: str) -> str:
        return (
            f"out of memory at step {self.state.step} with batches of {self.recipe.batch} "
            f"({said}); the last good state is kept: use a smaller batch"
        )


def earlier(folder: Path, recipe: Recipe, data: str) -> RunState | None:
    """How far a run that the folder holds is, before anything is prepared; RunProblem if it is another one."""
    if not (folder / STATE).is_file():
        return None
    found = begun(folder / STATE)
    _refuse_other(folder, found, recipe, data)
    return found


def ended(folder: Path, found: RunState | None) -> Outcome | None:
    """The outcome of an earlier run, unless it has steps to go."""
    if found is None or found.step < found.steps:
        return None
    # A run without validation keeps its last step, which its state does not say.
    return Outcome(folder / BEST, found.best_step or found.step, found.best, tuple(found.history))


def _refuse_other(folder: Path, found: RunState, recipe: Recipe, data: str) -> None:
    other = [] if found.recipe in (recipe.digest, recipe.digest_of_0_1) else ["another recipe"]
    other += [] if found.data == data else ["other data"]
    if other:
        raise RunProblem(
            f"{folder} holds a run with {' and '.join(other)}: "
            "give an empty folder, or the same recipe and data to resume it"
        )


def optimiser(network: Network, recipe: Recipe) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.groups(recipe), lr=0.0, betas=BETAS)


def data_digest(data: Dataset) -> str:
    """Identify the images that a run trains on, so that it is not resumed with others."""
    lines = sorted(
        f"{record.set} {record.modality} {record.label} {record.path.name}" for record in data.records
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
