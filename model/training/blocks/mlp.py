"""Plain networks of a few layers, as encoders, decoders and adversaries."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

QUIET = 1e-3


def mlp(
    sizes: Sequence[int],
    *,
    norm: bool = False,
    dropout: float = 0.0,
    activation: type[nn.Module] = nn.ReLU,
    ends: bool = False,
    quiet: bool = False,
) -> nn.Sequential:
    """Linear layers from the first size to the last. What follows each also follows the last if the network `ends` so.

    One that is `quiet` gives almost nothing at first: what is added to something else starts like that.

    `norm` is a layer norm, where papers of the field have batch norms: those would mix the modalities of a batch, and
    their moving means are no parameters, so that the average of a run's weights would not have them.
    """
    layers: list[nn.Module] = []
    for number, (one, other) in enumerate(pairwise(sizes), 1):
        layers.append(nn.Linear(one, other))
        if number == len(sizes) - 1 and not ends:
            break
        layers += [nn.LayerNorm(other)] if norm else []
        layers.append(activation())
        layers += [nn.Dropout(dropout)] if dropout else []
    if quiet:
        for value in layers[-1].parameters():
            value.data *= QUIET
    return nn.Sequential(*layers)
