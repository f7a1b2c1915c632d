"""Soft targets and entropies against loops of plain numbers."""

import math

import pytest
import torch

from model.training.blocks.targets import borrowed, certainty, divergence, soft_cross_entropy

GENERATOR = torch.Generator().manual_seed(5)
LOGITS = torch.randn(4, 5, generator=GENERATOR)
TARGET = torch.randn(4, 5, generator=GENERATOR).softmax(dim=1)
MASK = torch.tensor([True, False, True, True])


def softmax(row: list[float], temperature: float = 1.0) -> list[float]:
    powers = [math.exp(value / temperature) for value in row]
    return [power / sum(powers) for power in powers]


def test_cross_entropy_to_soft_targets_is_the_mean_over_what_the_mask_keeps() -> None:
    rows = [
        -sum(p * math.log(q) for p, q in zip(target, softmax(logits), strict=True))
        for target, logits in zip(TARGET.tolist(), LOGITS.tolist(), strict=True)
    ]
    assert soft_cross_entropy(TARGET, LOGITS).item() == pytest.approx(sum(rows) / 4, abs=1e-5)
    masked = soft_cross_entropy(TARGET, LOGITS, MASK).item()
    assert masked == pytest.approx((rows[0] + rows[2] + rows[3]) / 3, abs=1e-5)


def test_divergence_is_that_of_softened_logits_times_the_square_of_the_temperature() -> None:
    rows = [
        sum(p * math.log(p / q) for p, q in zip(target, softmax(logits, 4), strict=True))
        for target, logits in zip(TARGET.tolist(), LOGITS.tolist(), strict=True)
    ]
    assert divergence(TARGET, LOGITS, 4).item() == pytest.approx(16 * sum(rows) / 4, abs=1e-4)
    masked = divergence(TARGET, LOGITS, 4, MASK).item()
    assert masked == pytest.approx(16 * (rows[0] + rows[2] + rows[3]) / 3, abs=1e-4)


def test_nothing_diverges_from_itself_even_where_a_target_is_zero() -> None:
    assert divergence((LOGITS / 3).softmax(dim=1), LOGITS, 3).item() == pytest.approx(0, abs=1e-5)
    sure = torch.tensor([[1.0, 0.0]])
    assert divergence(sure, torch.tensor([[0.0, 0.0]])).item() == pytest.approx(math.log(2))


def test_targets_do_not_learn() -> None:
    target, logits = TARGET.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    (soft_cross_entropy(target, logits) + divergence(target, logits)).backward()  # type: ignore[no-untyped-call]
    assert target.grad is None
    assert logits.grad is not None


def test_without_rows_there_is_nothing_to_learn() -> None:
    logits = LOGITS.clone().requires_grad_()
    for loss in (
        soft_cross_entropy(TARGET, logits, MASK & False),
        divergence(TARGET, logits, 2, MASK & False),
    ):
        (gradient,) = torch.autograd.grad(loss, logits)
        assert (loss.item(), bool(gradient.any())) == (0, False)
    assert soft_cross_entropy(TARGET[:0], LOGITS[:0]).item() == 0


def test_certainty_is_one_for_one_column_and_zero_for_all_alike() -> None:
    logits = torch.tensor([[90.0, 0.0, 0.0], [2.0, 2.0, 2.0], [math.log(2), 0.0, -90.0]])
    half = 1 - (2 / 3 * math.log(3 / 2) + 1 / 3 * math.log(3)) / math.log(3)
    assert certainty(logits).tolist() == pytest.approx([1, 0, half], abs=1e-5)
    assert certainty(logits[:, :1]).tolist() == pytest.approx([1, 1, 1])


def test_mixtures_are_of_what_is_allowed() -> None:
    weights = torch.tensor([[1.0, 3.0, 2.0], [0.0, 0.0, 0.0]])
    allowed = torch.tensor([[True, False, True], [False, False, False]])
    given = TARGET[:3]
    mixed, has = borrowed(weights, allowed, given)
    first, third = softmax([1.0, 2.0])
    assert torch.allclose(mixed[0], first * given[0] + third * given[2], atol=1e-6)
    assert has.tolist() == [True, False]
    assert bool(torch.isfinite(mixed).all())
