"""Batches made in advance: the same, in order, in another thread, and errors where they belong."""

import threading
from pathlib import Path

import pytest
import torch

from model.training.prefetch import Prefetcher, ahead
from tests.kit.training import tiny_data, tiny_objective, tiny_recipe

CPU = torch.device("cpu")


def test_the_next_is_made_meanwhile_and_none_twice() -> None:
    made: list[int] = []
    third = threading.Event()

    def make(step: int) -> torch.Tensor:
        assert threading.current_thread() is not threading.main_thread()
        made.append(step)
        if step == 2:
            third.set()
        return torch.full((2, 2), float(step))

    prefetcher = Prefetcher(make, CPU)
    assert [float(prefetcher(step)[0, 0]) for step in (0, 1)] == [0.0, 1.0]
    assert third.wait(20), "nobody asked for step 2 yet, but it is made"
    # A run that was taken up elsewhere.
    assert float(prefetcher(7)[0, 0]) == 7.0
    assert made[:4] == [0, 1, 2, 7]


def test_an_error_comes_with_the_step_that_it_belongs_to() -> None:
    def make(step: int) -> torch.Tensor:
        if step == 1:
            raise ValueError("a damaged picture")
        return torch.zeros(1)

    prefetcher = Prefetcher(make, CPU)
    prefetcher(0)
    with pytest.raises(ValueError, match="damaged"):
        prefetcher(1)
    assert float(prefetcher(2)) == 0.0


def test_a_run_on_a_gpu_sees_the_batches_that_one_on_the_cpu_sees(tmp_path: Path) -> None:
    objective = tiny_objective(tiny_recipe(), tiny_data(tmp_path / "data"), cache=tmp_path / "seen.f16")
    plain = [float(objective.loss(step)["total"].detach()) for step in range(3)]
    objective._prefetcher = Prefetcher(objective.inputs, CPU)
    assert [float(objective.loss(step)["total"].detach()) for step in range(3)] == pytest.approx(plain)


def test_parts_come_in_order_and_the_next_is_begun_before_one_is_done() -> None:
    second = threading.Event()

    def make(part: int) -> int:
        if part == 1:
            second.set()
        if part == 0:
            assert second.wait(20), "the next is begun meanwhile"
        return part * part

    assert list(ahead(make, range(5))) == [(part, part * part) for part in range(5)]
    assert list(ahead(make, [])) == []


def test_what_is_ahead_is_bounded_and_an_error_comes_in_its_place() -> None:
    begun: list[int] = []

    def make(part: int) -> int:
        begun.append(part)
        if part == 3:
            raise ValueError("a damaged picture")
        return part

    found = ahead(make, range(100))
    assert [part for part, _ in (next(found), next(found), next(found))] == [0, 1, 2]
    with pytest.raises(ValueError, match="damaged"):
        next(found)
    assert max(begun) <= 6
