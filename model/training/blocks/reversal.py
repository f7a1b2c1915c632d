"""Gradient reversal (Ganin and Lempitsky, ICML 2015): an adversary without a second optimiser."""

from torch import Tensor


def reversed_gradient(values: Tensor, weight: float = 1.0) -> Tensor:
    """The values as they are; their gradient comes back reversed, `weight` times as large.

    A classifier of what this returns learns as any other, while what made the values unlearns what it reads in them.
    """
    fixed = values.detach()
    # Adds exactly zero, whose gradient is that of -weight * values.
    return fixed + weight * (fixed - values)
