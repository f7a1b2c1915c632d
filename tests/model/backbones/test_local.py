"""The local head beside an image tower: the vectors stay, and all engines agree on the cells."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from model import Encoder
from model.backbones.local import LocalTower, read_head
from model.backbones.towers import image_tower
from model.card import LOCAL, Checkpoint
from model.engines.cuda import CudaEngine
from model.engines.precision import COSINE, trial_pixels
from model.errors import BadWeights
from model.export.folders import weight_file, write_card
from model.training.network import build
from model.training.publish import Provenance, write_model
from tests.kit.local import SIDE, WIDTH, with_local
from tests.kit.training import SEVEN_STAGES, tiny_clip, tiny_network, tiny_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A small model with random weights and without a local head."""
    recipe = tiny_recipe(architecture=SEVEN_STAGES, size=32)
    folder = tmp_path_factory.mktemp("plain") / "model"
    network = tiny_network(recipe).eval()
    return Checkpoint(write_model(network, recipe, folder, Provenance("sketchseek train", (), {})).folder)


@pytest.fixture(scope="module")
def headed(plain: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return Checkpoint(with_local(plain.folder, tmp_path_factory.mktemp("headed") / "model"))


def pixels(count: int) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = trial_pixels(32, torch.device("cpu"), count).numpy()
    return found


def assert_agree(found: NDArray[np.float32], wanted: NDArray[np.float32], at: int) -> None:
    """Embeddings, and the token of every cell."""
    assert found.shape == wanted.shape
    assert np.isfinite(found).all()
    one, other = (each[:, at:].reshape(-1, WIDTH + 1)[:, :WIDTH] for each in (found, wanted))
    for left, right in ((found[:, :at], wanted[:, :at]), (one, other)):
        lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        assert ((left * right).sum(axis=1) / lengths).min() >= COSINE


def test_the_embedding_is_that_of_the_tower_alone(plain: Checkpoint, headed: Checkpoint) -> None:
    tower, dimension = image_tower(headed), plain.card.dimension
    assert isinstance(tower, LocalTower)
    assert tower.dimension == dimension
    with torch.inference_mode():
        given = torch.from_numpy(pixels(3))
        found, alone = tower(given), image_tower(plain)(given)
    assert found.shape == (3, dimension + SIDE**2 * (WIDTH + 1))
    assert torch.allclose(found[:, :dimension], alone, atol=1e-6)
    assert headed.card.fingerprint == plain.card.fingerprint


def test_torch_and_openvino_agree(headed: Checkpoint) -> None:
    rows = [
        Encoder.load(headed.folder, engine=name).engine.embed_images(pixels(3))
        for name in ("torch", "openvino")
    ]
    assert_agree(rows[1], rows[0], headed.card.dimension)


def test_so_does_half_precision(headed: Checkpoint) -> None:
    """The engine for cards, on the CPU."""
    reference = Encoder.load(headed.folder, engine="torch").engine
    engine = CudaEngine(headed, "cpu", most=4)
    for count in (1, 3):
        found, wanted = (each.embed_images(pixels(count)) for each in (engine, reference))
        assert_agree(found, wanted, headed.card.dimension)


def test_a_network_without_maps_is_refused(headed: Checkpoint, tmp_path: Path) -> None:
    recipe = tiny_recipe(
        towers="open_clip", architecture=tiny_clip(), anchors={}, encodings="normal", dimension=16
    )
    network = build(recipe, random_weights=True).eval()
    folder = tmp_path / "clip"
    checkpoint = Checkpoint(
        write_model(network, recipe, folder, Provenance("sketchseek train", (), {})).folder
    )
    (folder / "local.safetensors").write_bytes(headed.file(LOCAL).read_bytes())
    weights = checkpoint.card.weights | {LOCAL: weight_file(folder / "local.safetensors")}
    write_card(checkpoint.card.model_copy(update={"weights": weights}), folder)
    with pytest.raises(BadWeights, match="has no maps for a local head; leave it out of the card"):
        image_tower(Checkpoint(folder))


@pytest.mark.parametrize("about", [{}, {"reads": "2:many:7", "direct": ""}])
def test_a_file_that_describes_no_head_is_refused(
    headed: Checkpoint, tmp_path: Path, about: dict[str, str]
) -> None:
    save_file(load_file(headed.file(LOCAL)), tmp_path / "local.safetensors", about)
    with pytest.raises(BadWeights, match="describes no local head; install sketchseek again"):
        read_head(tmp_path / "local.safetensors")
