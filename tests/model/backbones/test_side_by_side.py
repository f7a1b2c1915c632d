"""Networks side by side: what each says, one after the other, also where they are cut."""

import pytest
import torch

from model.backbones.base import Classifier
from model.backbones.local import fresh
from model.backbones.side_by_side import SideBySide, of_all
from model.backbones.stages import stages_of
from model.backbones.timm import Timm
from model.errors import ModelError

pytestmark = pytest.mark.slow

SIZE = 64
PAIR = "test_efficientnet+test_efficientnet"


def test_features_are_those_of_each_network() -> None:
    network = SideBySide().build(PAIR, None, SIZE).network.eval()
    pictures = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        found = network(pictures)
        for each, part in zip(network.networks, found.chunk(2, dim=1), strict=True):
            assert torch.equal(each(pictures), part)


def test_cut_anywhere_it_gives_the_same_features() -> None:
    built = SideBySide().build(PAIR, None, SIZE)
    pictures = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        wanted = built.network.eval()(pictures)
        for count in (0, 2, 5):
            stages = built.cut(count)
            assert torch.allclose(stages.after(count, stages.before(count, pictures)), wanted, atol=1e-5)
    with pytest.raises(ModelError, match="has 5 stages to freeze, not 6"):
        built.cut(6)


def test_building_leaves_the_networks_as_they_are() -> None:
    """Stages are looked at to know their sizes; that must not count as a batch of training."""
    network = SideBySide().build(PAIR, None, SIZE).network
    counted = [value for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")]
    assert counted
    assert not any(counted)
    assert network.training
    assert all(module.training for module in network.modules())


def test_a_local_head_reads_the_maps_of_all() -> None:
    built = SideBySide().build(PAIR, None, SIZE)
    stages = stages_of(built.network)
    assert stages is not None
    alone = stages_of(Timm().build("test_efficientnet", None, SIZE).network)
    assert alone is not None
    both, one = (fresh(each, SIZE, (2, 3), (3,), side=4, width=8, hidden=16) for each in (stages, alone))
    for stage, (channels, side) in one.shape.reads.items():
        assert both.shape.reads[stage] == (2 * channels, side)


def test_they_classify_as_the_mean_of_all() -> None:
    first, second = (Classifier(torch.rand(5, width), torch.rand(5)) for width in (3, 4))
    both = of_all([first, second])
    assert both is not None
    one, other = torch.rand(2, 3), torch.rand(2, 4)
    said = torch.cat([one, other], dim=1) @ both.weight.T + both.bias
    wanted = (one @ first.weight.T + first.bias + other @ second.weight.T + second.bias) / 2
    assert torch.allclose(said, wanted, atol=1e-6)
    assert of_all([first, None]) is None
    assert of_all([first, Classifier(torch.rand(6, 4), torch.rand(6))]) is None


@pytest.mark.parametrize(("architecture", "pretrained", "message"), [
    ("test_efficientnet+test_resnet", None, "the same number of stages"),
    ("test_efficientnet+test_vit", None, "VisionTransformer has no maps to put beside another's"),
    ("tf_efficientnet_lite2+efficientnet_b0", None, "do not expect the same pixels"),
    ("test_efficientnet+nothing", None, "'nothing' is not an architecture"),
    (PAIR, "one.pth", "names 1 weights for the 2 networks"),
])  # fmt: skip
def test_what_cannot_stand_side_by_side_is_refused(
    architecture: str, pretrained: str | None, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        SideBySide().build(architecture, pretrained, SIZE)
