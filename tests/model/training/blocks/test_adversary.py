"""Adversaries: their losses by hand, and who learns what from them."""

import math

import pytest
import torch
from torch import Tensor, nn

from model.training.blocks import adversary
from model.training.blocks.adversary import contest, cross_entropy, least_squares


def belief(logit: Tensor) -> float:
    return 1 / (1 + math.exp(-float(logit)))


def test_cross_entropy_is_that_of_the_first_gan() -> None:
    real, made = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.5], [-0.1], [0.7]])
    wanted = -sum(math.log(belief(each)) for each in real) / 2
    wanted -= sum(math.log(1 - belief(each)) for each in made) / 3
    assert float(cross_entropy(real, made)) == pytest.approx(wanted, rel=1e-5)


def test_least_squares_is_half_the_squared_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversary, "SOFT", ((1.0, 1.0), (0.0, 0.0)))
    real, made = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.5], [-0.1], [0.7]])
    wanted = sum((belief(each) - 1) ** 2 for each in real) / 2 + sum(belief(each) ** 2 for each in made) / 3
    assert float(least_squares(real, made)) == pytest.approx(wanted / 2, rel=1e-5)


def test_labels_are_soft() -> None:
    """A sure and right adversary is wrong by the softness: the squares of numbers even in [0, .3] average .03."""
    torch.manual_seed(0)
    sure = torch.full((50_000, 1), 40.0)
    assert float(least_squares(sure, -sure)) == pytest.approx(0.03, abs=0.001)


@pytest.mark.parametrize("loss", [cross_entropy, least_squares])
def test_the_adversary_learns_and_what_made_the_vectors_unlearns(loss: object) -> None:
    torch.manual_seed(1)
    told = nn.Linear(3, 1)
    real, made = torch.randn(8, 3, requires_grad=True), torch.randn(8, 3, requires_grad=True)
    torch.manual_seed(2)
    found = contest(told, real, made, loss)  # type: ignore[arg-type]
    found.backward()  # type: ignore[no-untyped-call]
    assert real.grad is None, "what is real stands still"
    own = [value.grad.clone() for value in told.parameters() if value.grad is not None]
    reversed_one = made.grad
    made.grad = None
    told.zero_grad()
    torch.manual_seed(2)
    plain = loss(told(real.detach()), told(made))  # type: ignore[operator]
    plain.backward()
    assert torch.equal(found, plain)
    assert made.grad is not None
    assert bool(made.grad.any())
    assert reversed_one is not None
    assert torch.allclose(reversed_one, -made.grad)
    for value, wanted in zip(told.parameters(), own, strict=True):
        assert value.grad is not None
        assert torch.allclose(value.grad, wanted)


def test_a_contest_brings_what_is_made_to_what_is_real() -> None:
    torch.manual_seed(3)
    told = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    shift = nn.Parameter(torch.tensor([2.0, -2.0]))
    optimiser = torch.optim.Adam([*told.parameters(), shift], lr=1e-2)
    for _ in range(600):
        real, made = torch.randn(64, 2), torch.randn(64, 2) + shift
        optimiser.zero_grad()
        contest(told, real, made, cross_entropy).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(shift.detach().norm()) < 1, "from 2.8"
