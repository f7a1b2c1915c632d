"""An adversary that tells real vectors from made ones, while what makes them learns to deceive it.

Papers train the two by turns, with an optimiser for each. Here both learn in the same step of one optimiser, each from
its own loss: the adversary does not see where what is made comes from, and stands still where it is to be deceived. A
reversed gradient (`reversal`) would do with one loss, but says nothing once the adversary is sure.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

# Soft labels of real and made vectors, drawn anew for each.
SOFT = ((0.7, 1.0), (0.0, 0.3))


@dataclass(frozen=True)
class Game:
    """`told`: the loss of an adversary with these scores of real and made vectors; `deceived`: that of their maker."""

    told: Callable[[Tensor, Tensor], Tensor]
    deceived: Callable[[Tensor], Tensor]


def cross_entropy_told(real: Tensor, made: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(made).mean()


def cross_entropy_deceived(made: Tensor) -> Tensor:
    """Not the other's opposite, but -log of its belief that vectors are real, which never levels off."""
    return F.softplus(-made).mean()


def least_squares_told(real: Tensor, made: Tensor) -> Tensor:
    """Half the squared distance of scores to soft labels, about 1 and about 0."""
    pairs = zip((real, made), SOFT, strict=True)
    errors = [(scores - torch.empty_like(scores).uniform_(*soft)).square().mean() for scores, soft in pairs]
    return torch.stack(errors).sum() / 2


def least_squares_deceived(made: Tensor) -> Tensor:
    return (made - 1).square().mean() / 2


# The first GAN's, without saturation, and LSGAN's.
CROSS_ENTROPY = Game(cross_entropy_told, cross_entropy_deceived)
LEAST_SQUARES = Game(least_squares_told, least_squares_deceived)


def contest(adversary: nn.Module, real: Tensor, made: Tensor, game: Game) -> Tensor:
    """The sum of both losses: the adversary learns from the first, the maker from the second, `real` from neither."""
    told = game.told(adversary(real.detach()).float(), adversary(made.detach()).float())
    still = {name: value.detach() for name, value in adversary.named_parameters()}
    return told + game.deceived(functional_call(adversary, still, (made,)).float())
