"""The state of a training run on disk: enough to resume after a kill as if nothing had happened.

One safetensors file and one JSON, written next to the old ones, flushed, and moved into place; a crash at any
moment leaves the last complete state. Optimiser state is stored by parameter name; nothing is pickled.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from model.errors import ModelError


class RunProblem(ModelError):
    """A training run cannot continue; what it saved remains."""


# Its name in the folder of a run.
STATE = "state.safetensors"
# Figures on unseen classes: mAP@all in a gallery of their own, mAP@200 among training photos.
ALONE, AMONG = "unseen_map", "unseen_map_among"
# What a report has besides, which another machine would not repeat.
HOURS = "hours"


@dataclass
class RunState:
    """The position of a run. `history` has one row per report, as written to the CSV; `hours` were spent until each,
    the last ones of runs that began before that was noted.

    `best` is the highest `chosen_by` so far; runs that began before there was a choice go by the first figure.
    """

    recipe: str
    data: str
    steps: int
    step: int = 0
    best: float = -1.0
    best_step: int = 0
    chosen_by: str = ALONE
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    hours: list[float] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, float]]:
        """The history, with the hours where they are known."""
        unknown = len(self.history) - len(self.hours)
        return self.history[:unknown] + [
            row | {HOURS: hours} for row, hours in zip(self.history[unknown:], self.hours, strict=True)
        ]


def save(
    file: Path, state: RunState, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Save atomically; the JSON is part of the safetensors header, so that the two cannot disagree."""
    tensors = {f"network.{name}": value for name, value in trained(network).items()}
    tensors |= {f"average.{name}": value for name, value in trained(average).items()}
    names = {id(value): name for name, value in network.named_parameters()}
    for parameter, moments in optimiser.state.items():
        for key, value in moments.items():
            # Moments have the layout of their parameter, which need not be contiguous.
            tensors[f"optimiser.{names[id(parameter)]}.{key}"] = torch.as_tensor(value).contiguous()
    write_whole(file, tensors, {"progress": json.dumps(asdict(state))})


def restore(
    file: Path,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    refuse: Callable[[RunState], None] = lambda _: None,
) -> RunState:
    """Restore network, average and optimiser from a saved state, unless `refuse` raises an error."""
    tensors, metadata = read_whole(file)
    state = _progress(metadata, file)
    refuse(state)
    put(network, _part(tensors, "network.") or _part(tensors, "learner."), file)
    put(average, _part(tensors, "average."), file)
    states: dict[str, dict[str, Tensor]] = {}
    known = dict(network.named_parameters())
    for name, value in _part(tensors, "optimiser.").items():
        parameter, key = name.rsplit(".", 1)
        states.setdefault(parameter if parameter in known else _renamed(parameter), {})[key] = value
    for name, value in known.items():
        if name in states:
            optimiser.state[value] = {
                key: part if key == "step" else part.to(value.device) for key, part in states[name].items()
            }
    return state


def begun(file: Path) -> RunState:
    """How far a saved state is, and of what run, without its tensors."""
    try:
        with safe_open(file, framework="pt") as opened:
            return _progress(opened.metadata() or {}, file)
    except (OSError, SafetensorError) as error:
        raise _unreadable(file, error) from None


def _progress(metadata: dict[str, str], file: Path) -> RunState:
    try:
        return RunState(**json.loads(metadata["progress"]))
    except (KeyError, TypeError, ValueError):
        raise RunProblem(
            f"{file}: not the state of a training run; give an empty folder to start over"
        ) from None


def trained(module: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers, contiguous and without shared memory, as safetensors requires."""
    return {name: value.detach().clone().contiguous() for name, value in module.state_dict().items()}


def put(module: nn.Module, tensors: dict[str, Tensor], file: Path) -> None:
    """Load what `trained` returned, here or in 0.1; the error names the first tensor that does not fit."""
    wanted = module.state_dict()
    tensors = {name if name in wanted else _renamed(name): value for name, value in tensors.items()}
    missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    odd = [name for name in wanted.keys() & tensors.keys() if wanted[name].shape != tensors[name].shape]
    for names, fault in ((missing, "lacks"), (extra, "has an unknown"), (odd, "has another shape for")):
        if names:
            raise RunProblem(f"{file}: {fault} {names[0]}: it belongs to another architecture or recipe")
    module.load_state_dict(tensors)


def _renamed(name: str) -> str:
    """Translate a parameter's name from 0.1, where a learner also held the method's parameters."""
    if name.startswith(("method.", "learner.")):
        return name
    return f"method.{name}" if name.startswith(("encodings", "classifier.")) else f"learner.{name}"


def write_whole(file: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    try:
        save_file(tensors, part, metadata)
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise RunProblem(
            f"{file}: cannot be written ({error}); the last good state is kept: make room and "
            "run the same command again"
        ) from error


def read_whole(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
            return {name: opened.get_tensor(name) for name in names}, opened.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> RunProblem:
    return RunProblem(f"{file}: cannot be read ({error}); remove it to start over")


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
