"""Quick depthwise layers give what torch's own give, forwards and backwards."""

import pytest
import timm
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

from model.training.depthwise import QuickStrided, quicken


def layer(kind: type[nn.Conv2d], side: int, stride: int, padding: int) -> nn.Conv2d:
    made = kind(6, 6, side, stride=stride, padding=padding, groups=6, bias=False).double()
    return made.requires_grad_(False)


def answered(network: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The output, and the gradient of a sum over it in which every place counts differently."""
    seen = pictures.clone().requires_grad_()
    found = network(seen)
    (found * torch.arange(found.numel()).view_as(found).cos()).sum().backward()
    assert seen.grad is not None
    return found.detach(), seen.grad


@pytest.mark.parametrize(("height", "width"), [(14, 14), (15, 9), (5, 8)])
@pytest.mark.parametrize(
    ("side", "stride", "padding"), [(3, 2, 1), (5, 2, 2), (5, 2, 0), (3, 3, 0), (2, 3, 1)]
)
@pytest.mark.parametrize("kind", [nn.Conv2d, Conv2dSame])
def test_output_and_gradient_are_torchs(
    kind: type[nn.Conv2d], side: int, stride: int, padding: int, height: int, width: int
) -> None:
    torch.manual_seed(side * stride + height)
    own = layer(kind, side, stride, padding)
    pictures = torch.randn(2, 6, height, width, dtype=torch.float64)
    for wanted, found in zip(answered(own, pictures), answered(QuickStrided(own), pictures), strict=True):
        assert torch.allclose(wanted, found, atol=1e-12)


def test_a_network_keeps_its_weights_and_answers() -> None:
    torch.manual_seed(0)
    network = timm.create_model("test_efficientnet", pretrained=False, num_classes=0).eval().double()
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.requires_grad_(False)
    names, pictures = list(network.state_dict()), torch.randn(2, 3, 64, 64, dtype=torch.float64)
    before = answered(network, pictures)
    state = torch.get_rng_state()
    quicken(network)
    assert torch.equal(torch.get_rng_state(), state)
    assert any(isinstance(module, QuickStrided) for module in network.modules())
    assert list(network.state_dict()) == names
    for wanted, found in zip(before, answered(network, pictures), strict=True):
        assert torch.allclose(wanted, found, atol=1e-10)


def test_layers_that_learn_are_left_alone() -> None:
    network = nn.Sequential(layer(nn.Conv2d, 3, 2, 1).requires_grad_(True), layer(nn.Conv2d, 3, 1, 1))
    quicken(network)
    assert not any(isinstance(module, QuickStrided) for module in network)
