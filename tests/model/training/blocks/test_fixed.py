"""A classifier that does not learn."""

import math

import pytest
import torch

from model.training.blocks.fixed import fixed_directions, fixed_loss


def test_directions_are_unit_vectors_and_the_same_each_time() -> None:
    first, second = fixed_directions(5, 16), fixed_directions(5, 16)
    assert torch.equal(first, second)
    assert torch.allclose(first.norm(dim=1), torch.ones(5))
    assert (first @ first.T - torch.eye(5)).abs().max() < 0.9, "each label has its own"


def test_the_loss_is_the_cross_entropy_of_inner_products() -> None:
    torch.manual_seed(1)
    codes, directions, labels = 3 * torch.randn(4, 16), fixed_directions(5, 16), torch.tensor([2, 0, 4, 2])
    wanted = 0.0
    for code, label in zip(codes, labels.tolist(), strict=True):
        logits = [math.exp(float(code @ each)) for each in directions]
        wanted -= math.log(logits[label] / sum(logits)) / 4
    assert float(fixed_loss(codes, directions, labels)) == pytest.approx(wanted, rel=1e-4)
