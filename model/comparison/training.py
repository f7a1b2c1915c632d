"""One cell of a comparison: a row trained with one seed. It can be killed at any time, and goes on where it was."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from model.comparison.material import Pictures
from model.training.network import Network, build
from model.training.objective import Objective
from model.training.recipe import Recipe
from model.training.run import BEST, Run, Settings, data_digest
from model.training.state import STATE, put, read_whole

Say = Callable[[str], None]
_TIMED = 3


@dataclass(frozen=True)
class Trained:
    """A finished network, in what training saw, and what it cost."""

    network: Network
    objective: Objective
    # Milliseconds for each picture of a step: the best of some steps. None if it was not trained, or not timed.
    cost: float | None
    parameters: int


def train(
    recipe: Recipe,
    seen: Pictures,
    unlabelled: Pictures,
    folder: Path,
    say: Say,
    *,
    steps: bool = True,
    trial: bool = False,
) -> Trained:
    """Train to the end, or only to where closed forms lead without `steps`; a trial is not timed."""
    torch.manual_seed(recipe.seed)
    network = build(recipe)
    rows = unlabelled.photos
    objective = Objective(recipe, seen.data, seen.views, network, unlabelled.views.part(rows))
    objective.start()
    if steps:
        settings = Settings(folder, report_every=20, say=lambda line: say(f"{recipe.name}: {line}"))
        run = Run(objective, None, settings, data_digest(seen.data))
        run.resume()
        outcome = run.go()
        put(network, read_whole(outcome.weights)[0], outcome.weights)
    objective.finish()
    cost = _cost(objective) if steps and not trial else None
    return Trained(network, objective, cost, _learned(network) if steps else 0)


def clear(folder: Path, *, weights: bool) -> None:
    """Remove what is large and of no use once the figures are known: the state and, of a trial, the weights."""
    for name in (STATE, *([BEST] if weights else [])):
        (folder / name).unlink(missing_ok=True)


def _cost(objective: Objective) -> float:
    """Without the optimiser's step, which depends on nothing but the number of parameters."""
    best = float("inf")
    for step in range(_TIMED):
        start = time.process_time()
        objective.loss(step)["total"].backward()  # type: ignore[no-untyped-call]
        best = min(best, time.process_time() - start)
    objective.network.zero_grad(set_to_none=True)
    return 1000 * best / objective.recipe.batch


def _learned(network: Network) -> int:
    return sum(value.numel() for value in network.parameters() if value.requires_grad)
