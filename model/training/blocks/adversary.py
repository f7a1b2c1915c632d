"""An adversary that tells real vectors from made ones, while what makes them learns to deceive it.

Papers train the two by turns, with an optimiser for each. Here both learn in the same step: the adversary's loss
reaches the maker through a reversed gradient (`reversal`).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.training.blocks.reversal import reversed_gradient

# Soft labels of real and made vectors, drawn anew for each.
SOFT = ((0.7, 1.0), (0.0, 0.3))


def cross_entropy(real: Tensor, made: Tensor) -> Tensor:
    """The first GAN's: -log of the adversary's belief in what each is; both arguments are logits."""
    return F.softplus(-real).mean() + F.softplus(made).mean()


def least_squares(real: Tensor, made: Tensor) -> Tensor:
    """LSGAN's with soft labels: half the squared distance of scores to about 1 for real vectors, 0 for made ones.

    Scores are sigmoids of the logits: behind a reversed gradient, unbounded ones would run away from both labels.
    """
    ends = zip((real, made), SOFT, strict=True)
    errors = [logits.sigmoid() - torch.empty_like(logits).uniform_(*soft) for logits, soft in ends]
    return torch.stack([error.square().mean() for error in errors]).sum() / 2


def contest(
    adversary: nn.Module, real: Tensor, made: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """The adversary's loss, by which it learns and `made` unlearns; `real` is left alone."""
    scores = adversary(real.detach()), adversary(reversed_gradient(made))
    return loss(scores[0].float(), scores[1].float())
