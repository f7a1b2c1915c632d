"""The training run of a local head: steps, averaged weights, a state that survives a kill, and curves.

As in `model.training.run`, a step depends only on the options, the data, and its number. What is kept is
the average at the end.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from model.training.curves import write_csv, write_picture
from model.training.descent import descend, follow, watched
from model.training.parts.network import Matcher
from model.training.parts.objective import Objective
from model.training.parts.options import Options
from model.training.state import STATE, RunProblem, RunState, begun, restore, save

LARGEST_GRADIENT = 1.0
_DECAY = 0.02
_LEAST_RATE = 1e-6
# What are no weights, and how fast they learn beside those.
_NUMBERS, _SLOWER = ("encodings", "cost", "log_scale", "log_place_scale"), 0.3


@dataclass(frozen=True)
class Settings:
    """How a run is monitored and saved; none of it affects what is learned."""

    folder: Path
    report_every: int = 25
    save_every: int = 50
    say: Callable[[str], None] = print


class Run:
    """A run in its folder: `state.safetensors`, `curves.csv`, `curves.png`."""

    def __init__(self, objective: Objective, settings: Settings, data: str) -> None:
        self.objective, self.settings = objective, settings
        self.options: Options = objective.options
        self.matcher = objective.matcher
        self.average = copy.deepcopy(self.matcher).requires_grad_(False)
        self.optimiser = optimiser(self.matcher, self.options)
        self.state = RunState(self.options.digest, data, self.options.steps)
        self.file = settings.folder / STATE

    def resume(self) -> None:
        """Resume what an earlier call left in the folder, if it had the same options and data."""
        found = earlier(self.settings.folder, self.options, self.state.data)
        if found is None:
            return
        self.state = restore(self.file, self.matcher, self.average, self.optimiser)
        self.settings.say(f"resuming at step {found.step} of {found.steps}")

    def go(self) -> Matcher:
        """Train to the end, and return the averaged weights."""
        self.matcher.train()
        started, first = time.monotonic(), self.state.step
        with watched(self._out_of_memory):
            for step in range(first, self.state.steps):
                self._step(step)
                self._after(step + 1, (time.monotonic() - started) / (step + 1 - first))
        return self.average.eval()

    def _step(self, step: int) -> None:
        share = self._share(step)
        for group in self.optimiser.param_groups:
            group["lr"] = max(group["rate"] * share, _LEAST_RATE)
        found = self.objective.loss(step)
        remedy = "a smaller --rate"
        values = descend(found, self.matcher, self.optimiser, LARGEST_GRADIENT, step=step, remedy=remedy)
        follow(self.average, self.matcher, self.options.average, step)
        if (step + 1) % self.settings.report_every == 0 or step + 1 == self.state.steps:
            self.state.history.append({"step": float(step + 1), "rate": share} | values)

    def _share(self, step: int) -> float:
        """The factor of the learning rates at a step: a short warm-up, then a cosine."""
        rising = min(1.0, (step + 1) / self.options.warm_up)
        return rising * (0.5 + 0.5 * math.cos(math.pi * step / self.state.steps))

    def _out_of_memory(self, said: str) -> str:
        return (
            f"out of memory at step {self.state.step} ({said}); the last good state is kept: "
            "use a smaller batch, with --pseudo"
        )

    def _after(self, step: int, seconds: float) -> None:
        last = step == self.state.steps
        self.state.step = step
        if step % self.settings.report_every == 0 or last:
            row = self.state.history[-1]
            terms = "  ".join(f"{name} {row[name]:.3f}" for name in ("own", "classes", "places"))
            left = seconds * (self.state.steps - step)
            self.settings.say(f"step {step}/{self.state.steps}  {terms}  {left / 60:.1f} min left")
        if step % self.settings.save_every == 0 or last:
            write_csv(self.settings.folder / "curves.csv", self.state.history)
            save(self.file, self.state, self.matcher, self.average, self.optimiser)
        if last:
            write_picture(self.settings.folder / "curves.png", self.state.history)


def earlier(folder: Path, options: Options, data: str) -> RunState | None:
    """How far a run that the folder holds is, before anything is prepared; RunProblem if it is another one."""
    if not (folder / STATE).is_file():
        return None
    found = begun(folder / STATE)
    if (found.recipe, found.data) != (options.digest, data):
        raise RunProblem(
            f"{folder} holds a run with other options, another model or other data: "
            "give an empty folder, or the same ones to resume it"
        )
    return found


def optimiser(matcher: Matcher, options: Options) -> torch.optim.AdamW:
    named = dict(matcher.named_parameters())
    numbers = [value for name, value in named.items() if name in _NUMBERS]
    weights = [value for name, value in named.items() if name not in _NUMBERS]
    return torch.optim.AdamW(
        [
            {"params": weights, "weight_decay": _DECAY, "rate": options.rate},
            {"params": numbers, "weight_decay": 0.0, "rate": _SLOWER * options.rate},
        ],
        lr=0.0,
    )
