"""A reversed gradient: the same values, learnt from the other way round."""

import torch

from model.training.blocks.reversal import reversed_gradient


def test_values_stay_and_their_gradient_is_reversed() -> None:
    values = torch.randn(3, 4, requires_grad=True)
    factors = torch.randn(3, 4)
    found = reversed_gradient(values, 0.25)
    assert torch.equal(found, values)
    (factors * found).sum().backward()
    assert values.grad is not None
    assert torch.allclose(values.grad, -0.25 * factors)
