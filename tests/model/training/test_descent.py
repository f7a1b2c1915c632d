"""What ends a step: a loss that is no number, and memory that runs out, each said in a line."""

import pytest
import torch
from torch import nn

from model.training.descent import descend, follow, watched
from model.training.state import RunProblem


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("64 GB"),
        RuntimeError("DefaultCPUAllocator: not enough memory\nat alloc_cpu.cpp:127"),
        torch.OutOfMemoryError("CUDA: out of memory"),
    ],
)
def test_memory_that_runs_out_is_said_in_a_line(error: Exception) -> None:
    with pytest.raises(RunProblem) as told, watched(lambda said: f"too little ({said})"):
        raise error
    assert str(told.value) == f"too little ({str(error).splitlines()[0]})"
    assert told.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), RuntimeError(), ValueError("out of memory")]
)
def test_all_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as told, watched(str):
        raise error
    assert told.value is error


def test_a_step_goes_down_the_gradient_and_no_further_than_it_may() -> None:
    module = nn.Linear(1, 1, bias=False)
    start = module.weight.item()
    optimiser = torch.optim.SGD(module.parameters(), lr=1.0)
    total = (100 * module.weight).sum()
    values = descend({"total": total, "part": total / 2}, module, optimiser, 0.5, step=0, remedy="less")
    assert values == {"total": pytest.approx(100 * start), "part": pytest.approx(50 * start)}
    assert module.weight.item() == pytest.approx(start - 0.5, abs=1e-5)


def test_a_term_that_is_no_number_moves_nothing() -> None:
    module = nn.Linear(1, 1, bias=False)
    start = module.weight.item()
    optimiser = torch.optim.SGD(module.parameters(), lr=1.0)
    terms = {"total": module.weight.sum(), "part": torch.tensor(float("inf"))}
    with pytest.raises(RunProblem, match=r"step 7: the loss part is inf.*with less of it"):
        descend(terms, module, optimiser, 0.5, step=7, remedy="less of it")
    assert module.weight.item() == start


@pytest.mark.parametrize(("step", "kept"), [(0, 0.1), (8, 0.5), (100_000, 0.9)])
def test_the_average_lags_less_at_the_start(step: int, kept: float) -> None:
    fast, slow = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    fast.weight.data.fill_(0.0)
    slow.weight.data.fill_(1.0)
    follow(slow, fast, 0.9, step)
    assert slow.weight.item() == pytest.approx(kept)
