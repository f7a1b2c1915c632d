"""What every training run does: go down the gradient, average the weights, and tell when memory runs out."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from model.training.state import RunProblem


def descend(
    terms: Mapping[str, Tensor],
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    largest_gradient: float,
    *,
    step: int,
    remedy: str,
) -> dict[str, float]:
    """Take a step down the gradient of the total; return all terms, or raise RunProblem if one is not a number."""
    values = {name: float(term.detach()) for name, term in terms.items()}
    if not all(map(math.isfinite, values.values())):
        name = next(name for name, value in values.items() if not math.isfinite(value))
        raise RunProblem(
            f"step {step}: the loss {name} is {values[name]}; the last good state is kept: "
            f"train again into an empty folder with {remedy}"
        )
    optimiser.zero_grad(set_to_none=True)
    terms["total"].backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(module.parameters(), largest_gradient)
    optimiser.step()
    return values


@torch.no_grad()
def follow(average: nn.Module, module: nn.Module, most: float, step: int) -> None:
    """Update the average; early in the run it lags less, so that it forgets the starting point."""
    keep = min(most, (1 + step) / (10 + step))
    for slow, fast in zip(average.parameters(), module.parameters(), strict=True):
        slow.lerp_(fast, 1 - keep)


@contextmanager
def watched(told: Callable[[str], str]) -> Iterator[None]:
    """Raise a RunProblem where memory runs out; `told` makes its message of what the library says."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        first = (str(error).splitlines() or [""])[0]
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or _of_memory(str(error)):
            raise RunProblem(told(first)) from error
        raise


def _of_memory(said: str) -> bool:
    """On the CPU, torch raises nothing but a RuntimeError."""
    return "not enough memory" in said or "out of memory" in said
