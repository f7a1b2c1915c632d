"""The training run: from a recipe and data to trained weights, through kills, full disks and wrong rates.

Every step depends only on the recipe, the data and its number, and the state is saved whole, so a resumed run ends
where it would have ended anyway. The checkpoint that is kept is the best one on classes of a validation set that
training never saw; without a validation set it is the last.
"""

import copy
import hashlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from model.data.datasets import PHOTO as PHOTOS
from model.data.datasets import DataProblem, Dataset
from model.evaluation.metrics import measure
from model.training.curves import write_csv, write_picture
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.network import Network
from model.training.objective import Objective
from model.training.recipe import Recipe
from model.training.state import RunProblem, RunState, restore, save, trained, write_whole
from model.training.views import Views

LARGEST_GRADIENT = 5.0
BETAS = (0.9, 0.98)
BATCH = 64


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
    """Where the kept weights are, and their mAP on unseen classes (-1 if not measured)."""

    weights: Path
    step: int
    unseen_map: float
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
        self.state = RunState(self.recipe.digest, data, steps)
        self.file = settings.folder / "state.safetensors"
        self.best = settings.folder / "best.safetensors"

    def resume(self) -> None:
        """Resume what an earlier call left in the folder, if it had the same recipe and data."""
        if not self.file.is_file():
            return
        found = restore(self.file, self.network, self.average, self.optimiser)
        if found.recipe == self.recipe.digest_of_0_1:
            found.recipe = self.recipe.digest
        if (found.recipe, found.data) != (self.state.recipe, self.state.data):
            raise RunProblem(
                f"{self.settings.folder} holds a run with another recipe or other data: "
                "give an empty folder, or the same recipe and data to resume it"
            )
        self.state = found
        self.settings.say(f"resuming at step {found.step} of {found.steps}")

    def go(self) -> Outcome:
        """Train to the end; on failure, stop with one clear error and keep the last good state on disk."""
        self.network.train()
        started, first = time.monotonic(), self.state.step
        try:
            for step in range(first, self.state.steps):
                self._step(step)
                self._after(step + 1, (time.monotonic() - started) / (step + 1 - first))
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise self._out_of_memory(error) from error
        except RuntimeError as error:
            if "not enough memory" in str(error) or "out of memory" in str(error):
                raise self._out_of_memory(error) from error
            raise
        if not self.best.is_file():
            self._keep(self.state.step)
        found = tuple(self.state.history)
        return Outcome(self.best, self.state.best_step, self.state.best, found)

    def _step(self, step: int) -> None:
        share = self.recipe.rate(step, self.state.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * share
        torch.manual_seed(self.recipe.seed * 1_000_003 + step)
        found = self.objective.loss(step)
        values = {name: float(term.detach()) for name, term in found.items()}
        if not all(map(math.isfinite, values.values())):
            name = next(name for name, value in values.items() if not math.isfinite(value))
            raise RunProblem(
                f"step {step}: the loss {name} is {values[name]}; the last good state is kept: "
                "train again into an empty folder with a smaller learning rate"
            )
        self.optimiser.zero_grad(set_to_none=True)
        found["total"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()
        self.objective.after()
        self._follow(step)
        if (step + 1) % self.settings.report_every == 0 or step + 1 == self.state.steps:
            self.state.history.append({"step": float(step + 1), "rate": share} | values)

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Update the average; early in the run it lags less, so that it forgets the starting point."""
        keep = min(self.recipe.average, (1 + step) / (10 + step))
        for slow, fast in zip(self.average.parameters(), self.network.parameters(), strict=True):
            slow.lerp_(fast, 1 - keep)

    def _after(self, step: int, seconds: float) -> None:
        last = step == self.state.steps
        self.state.step = step
        if step % self.settings.report_every == 0 or last:
            left = seconds * (self.state.steps - step)
            rate = self.recipe.batch / seconds
            loss = self.state.history[-1]["total"]
            where = f"step {step}/{self.state.steps}"
            self.settings.say(f"{where}  loss {loss:.3f}  {rate:.0f} images/s  {left / 60:.1f} min left")
        if self.validation is not None and (step % self.settings.validate_every == 0 or last):
            self._validate(step)
        if step % self.settings.save_every == 0 or last:
            write_csv(self.settings.folder / "curves.csv", self.state.history)
            save(self.file, self.state, self.network, self.average, self.optimiser)
        if last:
            write_picture(self.settings.folder / "curves.png", self.state.history)

    def _validate(self, step: int) -> None:
        assert self.validation is not None
        found = unseen_map(self.average, self.validation)
        self.settings.say(f"step {step}: mAP {found:.4f} on unseen classes")
        if self.state.history:
            self.state.history[-1]["unseen_map"] = found
        if found > self.state.best:
            self.state.best = found
            self._keep(step)

    def _keep(self, step: int) -> None:
        self.state.best_step = step
        write_whole(self.best, trained(self.average), {"step": str(step)})

    def _out_of_memory(self, error: BaseException) -> RunProblem:
        return RunProblem(
            f"out of memory at step {self.state.step} with batches of {self.recipe.batch} "
            f"({str(error).splitlines()[0]}); the last good state is kept: use a smaller batch"
        )


def optimiser(network: Network, recipe: Recipe) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.groups(recipe), lr=0.0, betas=BETAS)


@torch.no_grad()
def unseen_map(network: Network, views: Views) -> float:
    """mAP@all of their sketches in the gallery of their photos."""
    was_training = network.training
    network.eval()
    vectors = np.concatenate([part.float().cpu().numpy() for part in _vectors(network, views)])
    network.train(was_training)
    labels = np.array([record.label for record in views.records])
    photos = np.array([record.modality == PHOTOS for record in views.records])
    if photos.all() or not photos.any():
        raise DataProblem(
            "validation needs classes with both sketches and photos; only one of the two was found"
        )
    found = measure(vectors[~photos], vectors[photos], labels[~photos], labels[photos])
    return found.means()["mAP@all"]


def _vectors(network: Network, views: Views) -> Iterator[Tensor]:
    device = network.method.encodings.device
    for start in range(0, len(views), BATCH):
        rows = list(range(start, min(start + BATCH, len(views))))
        kinds = [PHOTO if views.records[row].modality == PHOTOS else SKETCH for row in rows]
        with network.learner.autocast(device.type):
            yield network.embed(views.images(rows).to(device), torch.tensor(kinds, device=device))


def data_digest(data: Dataset) -> str:
    """Identify the images that a run trains on, so that it is not resumed with others."""
    lines = sorted(
        f"{record.set} {record.modality} {record.label} {record.path.name}" for record in data.records
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
