"""Gaussian codes: the divergence by hand, and draws that follow their distribution."""

import math

import pytest
import torch

from model.training.blocks.gaussian import Gaussian, GaussianCode, noise


def test_the_divergence_of_the_prior_is_nothing() -> None:
    nothing = torch.zeros(3, 5)
    assert float(Gaussian(nothing, nothing).divergence()) == 0


def test_the_divergence_is_a_sum_over_numbers_and_a_mean_over_rows() -> None:
    torch.manual_seed(1)
    mean, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    wanted = 0.0
    for row in range(4):
        for place in range(3):
            variance = math.exp(float(log_variance[row, place]))
            wanted += 0.5 * (variance + float(mean[row, place]) ** 2 - 1 - math.log(variance)) / 4
    assert float(Gaussian(mean, log_variance).divergence()) == pytest.approx(wanted, rel=1e-5)


def test_the_divergence_is_torchs() -> None:
    torch.manual_seed(2)
    mean, log_variance = torch.randn(6, 2), torch.randn(6, 2)
    own = torch.distributions.Normal(mean, (log_variance / 2).exp())
    prior = torch.distributions.Normal(torch.zeros(6, 2), torch.ones(6, 2))
    wanted = torch.distributions.kl_divergence(own, prior).sum(1).mean()
    assert torch.allclose(Gaussian(mean, log_variance).divergence(), wanted)


def test_draws_follow_their_distribution() -> None:
    torch.manual_seed(3)
    mean = torch.tensor([[2.0, -1.0]]).expand(20_000, -1)
    log_variance = torch.tensor([[math.log(0.25), math.log(4.0)]]).expand(20_000, -1)
    drawn = Gaussian(mean, log_variance).drawn()
    assert torch.allclose(drawn.mean(0), torch.tensor([2.0, -1.0]), atol=0.05)
    assert torch.allclose(drawn.std(0), torch.tensor([0.5, 2.0]), atol=0.05)
    assert not torch.equal(drawn[0], drawn[1]), "each row has a draw of its own"


def test_draws_and_divergence_have_gradients() -> None:
    code = GaussianCode(3, 2)
    found = code(torch.randn(4, 3))
    (found.drawn().sum() + found.divergence()).backward()
    assert all(value.grad is not None and bool(value.grad.any()) for value in code.parameters())


def test_bounded_parts_stay_between_minus_one_and_one() -> None:
    hidden = 1000 * torch.randn(5, 3)
    for bounded in (True, False):
        found = GaussianCode(3, 2, bounded=bounded)(hidden)
        small = (
            max(float(found.mean.detach().abs().max()), float(found.log_variance.detach().abs().max())) <= 1
        )
        assert small == bounded


def test_noise_is_the_same_each_time_and_leaves_torchs_own_alone() -> None:
    torch.manual_seed(4)
    wanted = torch.randn(1)
    torch.manual_seed(4)
    first, second = noise(3, 2), noise(3, 2)
    assert torch.equal(first, second)
    assert torch.equal(torch.randn(1), wanted)
    assert noise(10_000, 1).std().item() == pytest.approx(1, abs=0.03)
