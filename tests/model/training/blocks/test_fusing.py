"""Fused maps: SimAM's energy by hand, gates and pooling against their formula, place by place."""

import math

import pytest
import torch
from torch import Tensor

from model.training.blocks.fusing import Fusing, Gate, Pooling, energy, pooled


def maps(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def test_energy_is_the_square_from_the_mean_over_the_variance() -> None:
    shown = maps(2, 3, 4, 5)
    found = energy(shown)
    for picture in range(2):
        for channel in range(3):
            values = shown[picture, channel].flatten().tolist()
            mean = sum(values) / len(values)
            variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
            wanted = [(value - mean) ** 2 / (4 * (variance + 1e-4)) + 0.5 for value in values]
            assert found[picture, channel].flatten().tolist() == pytest.approx(wanted, rel=1e-4)


def test_a_map_of_one_place_has_no_energy_but_the_least() -> None:
    assert torch.equal(energy(maps(1, 2, 1, 1)), torch.full((1, 2, 1, 1), 0.5))


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("gate", ["none", "energy", "sigmoid"])
def test_each_level_is_gated_then_pooled(gate: Gate, pooling: Pooling) -> None:
    torch.manual_seed(1)
    fusing = Fusing((2, 3), gate, pooling)
    # Equal sizes, so that nothing is interpolated.
    lower, deepest = maps(1, 2, 3, 3), maps(1, 3, 3, 3) + 1
    found = fusing.fused([lower, deepest])[0].tolist()
    share = torch.ones_like(lower)
    if gate != "none":
        weight, bias = fusing.down[0].weight, fusing.down[0].bias
        added = torch.nn.functional.conv2d(deepest, weight, bias, padding=1)
        both = (lower + added).clamp(min=0)
        share = torch.sigmoid(energy(both) if gate == "energy" else both)
    pool = max if pooling == "max" else (lambda values: math.fsum(values) / len(values))
    wanted = [pool((share * lower)[0, channel].flatten().tolist()) for channel in range(2)]
    wanted += [pool(deepest[0, channel].flatten().tolist()) for channel in range(3)]
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_deeper_maps_are_enlarged_to_the_lower_ones_places() -> None:
    torch.manual_seed(1)
    fusing = Fusing((2, 3, 4))
    found = fusing.fused([maps(2, 2, 8, 8), maps(2, 3, 4, 4), maps(2, 4, 2, 2)])
    assert found.shape == (2, 9)
    found.sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in fusing.parameters())


def test_pooling_keeps_the_greatest_or_the_mean() -> None:
    shown = torch.tensor([[[[1.0, 2.0], [3.0, 10.0]]]])
    assert pooled(shown, "max").item() == 10
    assert pooled(shown, "mean").item() == 4
