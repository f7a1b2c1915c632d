"""Adversaries: their losses by hand, and who learns what from them."""

import math

import pytest
import torch
from torch import Tensor, nn

from model.training.blocks import adversary
from model.training.blocks.adversary import CROSS_ENTROPY, LEAST_SQUARES, Game, contest

REAL, MADE = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.5], [-0.1], [0.7]])
GAMES = (CROSS_ENTROPY, LEAST_SQUARES)


def belief(logit: Tensor) -> float:
    return 1 / (1 + math.exp(-float(logit)))


def test_cross_entropy_is_that_of_the_first_gan() -> None:
    told = -sum(math.log(belief(each)) for each in REAL) / 2
    told -= sum(math.log(1 - belief(each)) for each in MADE) / 3
    assert float(CROSS_ENTROPY.told(REAL, MADE)) == pytest.approx(told, rel=1e-5)
    deceived = -sum(math.log(belief(each)) for each in MADE) / 3
    assert float(CROSS_ENTROPY.deceived(MADE)) == pytest.approx(deceived, rel=1e-5)


def test_least_squares_is_half_the_squared_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversary, "SOFT", ((1.0, 1.0), (0.0, 0.0)))
    told = sum((float(each) - 1) ** 2 for each in REAL) / 2 + sum(float(each) ** 2 for each in MADE) / 3
    assert float(LEAST_SQUARES.told(REAL, MADE)) == pytest.approx(told / 2, rel=1e-5)
    deceived = sum((float(each) - 1) ** 2 for each in MADE) / 3
    assert float(LEAST_SQUARES.deceived(MADE)) == pytest.approx(deceived / 2, rel=1e-5)


def test_labels_are_soft() -> None:
    """An adversary that says 1 and 0 is off by the softness: the squares of numbers even in [0, .3] average .03."""
    torch.manual_seed(0)
    sure = torch.ones(50_000, 1)
    assert float(LEAST_SQUARES.told(sure, 0 * sure)) == pytest.approx(0.03, abs=0.001)


@pytest.mark.parametrize("game", GAMES)
def test_each_side_learns_from_its_own_loss(game: Game) -> None:
    torch.manual_seed(1)
    told = nn.Linear(3, 1)
    real, made = torch.randn(8, 3, requires_grad=True), torch.randn(8, 3, requires_grad=True)
    torch.manual_seed(2)
    found = contest(told, real, made, game)
    found.backward()  # type: ignore[no-untyped-call]
    assert real.grad is None, "what is real stands still"
    torch.manual_seed(2)
    own = game.told(told(real), told(made))
    maker = game.deceived(told(made))
    assert torch.equal(found, own + maker)
    for value, wanted in zip(
        told.parameters(), torch.autograd.grad(own, list(told.parameters())), strict=True
    ):
        assert value.grad is not None
        assert torch.allclose(value.grad, wanted)
    (wanted,) = torch.autograd.grad(maker, made)
    assert made.grad is not None
    assert torch.allclose(made.grad, wanted)


@pytest.mark.parametrize("game", GAMES)
def test_a_contest_brings_what_is_made_to_what_is_real(game: Game) -> None:
    torch.manual_seed(3)
    told = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    shift = nn.Parameter(torch.tensor([2.0, -2.0]))
    optimiser = torch.optim.Adam([*told.parameters(), shift], lr=1e-2)
    for _ in range(600):
        real, made = torch.randn(64, 2), torch.randn(64, 2) + shift
        optimiser.zero_grad()
        contest(told, real, made, game).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(shift.detach().norm()) < 1, "from 2.8"


def test_a_sure_adversary_still_says_where_to_go() -> None:
    told = nn.Linear(1, 1)
    with torch.no_grad():
        told.weight.fill_(1.0)
        told.bias.fill_(-60.0)
    made = torch.zeros(1, 1, requires_grad=True)
    contest(told, torch.full((1, 1), 120.0), made, CROSS_ENTROPY).backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert float(made.grad) == pytest.approx(-1)
