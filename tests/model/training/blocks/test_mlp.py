"""Plain networks: which layers stand where."""

import torch
from torch import nn

from model.training.blocks.mlp import QUIET, mlp


def kinds(network: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in network]


def test_the_last_layer_is_bare_unless_the_network_ends_otherwise() -> None:
    assert kinds(mlp((4, 3, 2))) == ["Linear", "ReLU", "Linear"]
    block = ["Linear", "LayerNorm", "PReLU", "Dropout"]
    assert kinds(mlp((4, 3, 2), norm=True, dropout=0.5, activation=nn.PReLU)) == [*block, "Linear"]
    assert kinds(mlp((4, 3, 2), norm=True, dropout=0.5, activation=nn.PReLU, ends=True)) == block * 2


def test_sizes_are_those_asked_for() -> None:
    network = mlp((4, 6, 5, 2), norm=True, dropout=0.3)
    assert network(torch.randn(7, 4)).shape == (7, 2)
    assert [layer.p for layer in network if isinstance(layer, nn.Dropout)] == [0.3, 0.3]
    assert [layer.out_features for layer in network if isinstance(layer, nn.Linear)] == [6, 5, 2]


def test_a_quiet_network_says_almost_nothing_and_can_learn() -> None:
    torch.manual_seed(0)
    loud = mlp((4, 3, 2))
    torch.manual_seed(0)
    quiet, seen = mlp((4, 3, 2), quiet=True), torch.randn(5, 4)
    assert torch.allclose(quiet(seen), loud(seen) * QUIET, atol=1e-9)
    quiet(seen).square().sum().backward()
    assert all(value.grad is not None and bool(value.grad.any()) for value in quiet.parameters())
