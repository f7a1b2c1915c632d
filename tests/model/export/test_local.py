"""Adding a local head to a model: the vectors stay, an older head goes, and the code keeps what it can."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model import Encoder
from model.card import LOCAL, Checkpoint
from model.export.folders import write_card
from model.export.local import measured_code
from model.training.publish import Provenance, write_model
from tests.kit.local import NUMBERS, WIDTH, local_again, with_local
from tests.kit.training import SEVEN_STAGES, tiny_network, tiny_recipe


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    recipe = tiny_recipe(architecture=SEVEN_STAGES)
    folder = tmp_path_factory.mktemp("plain") / "model"
    network = tiny_network(recipe).eval()
    return Checkpoint(write_model(network, recipe, folder, Provenance("sketchseek train", (), {})).folder)


@pytest.mark.slow
def test_a_second_head_replaces_the_first(plain: Checkpoint, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    folder = with_local(plain.folder, tmp_path / "model")
    first = Encoder.load(folder, engine="openvino")
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    rows = first.engine.embed_images(pixels)
    assert first.local is not None
    files = {path.name for path in folder.iterdir()}

    local_again(folder, seed=1)
    second = Encoder.load(folder, engine="openvino")
    assert second.local is not None
    assert first.fingerprint == second.fingerprint == plain.card.fingerprint
    assert first.local.digest != second.local.digest
    assert first.card.weights[LOCAL].file not in {path.name for path in folder.iterdir()}
    assert len([*folder.iterdir()]) == len(files), "nothing is left behind"
    at, again = first.dimension, second.engine.embed_images(pixels)
    assert np.allclose(rows[:, :at], again[:, :at], atol=1e-5)
    assert not np.allclose(rows[:, at:], again[:, at:], atol=1e-2)


@pytest.mark.slow
def test_collections_are_ordered_by_parts_as_well(plain: Checkpoint, tmp_path: Path) -> None:
    for number, (before, after) in enumerate((("plain", "plain"), ("collection", "all"), ("all", "all"))):
        folder = with_local(plain.folder, tmp_path / str(number))
        write_card(Checkpoint(folder).card.model_copy(update={"reranker": before}), folder)
        local_again(folder, seed=2)
        assert Checkpoint(folder).card.reranker == after


def tokens(count: int, rank: int) -> torch.Tensor:
    """Unit vectors in a space of so many dimensions."""
    torch.manual_seed(5)
    return torch.nn.functional.normalize(torch.randn(count, rank) @ torch.randn(rank, WIDTH), dim=1)


def test_the_basis_is_orthonormal_and_always_the_same() -> None:
    given = tokens(400, WIDTH)
    basis, step = measured_code(given, NUMBERS)
    assert basis.shape == (WIDTH, NUMBERS)
    assert torch.allclose(basis.T @ basis, torch.eye(NUMBERS), atol=1e-5)
    again = measured_code(given.clone(), NUMBERS)
    assert torch.equal(basis, again[0])
    assert torch.equal(step, again[1])


def test_it_keeps_as_much_as_so_many_numbers_can() -> None:
    given = tokens(400, NUMBERS)
    basis, _ = measured_code(given, NUMBERS)
    assert torch.allclose(given @ basis @ basis.T, given, atol=1e-4)
    wider = tokens(400, WIDTH)
    basis, _ = measured_code(wider, NUMBERS)
    kept = (wider @ basis).square().sum()
    most = torch.linalg.svdvals(wider)[:NUMBERS].square().sum()
    assert kept == pytest.approx(float(most), rel=1e-4)


def test_one_step_suits_all_numbers() -> None:
    """Whatever the tokens, each number has a deviation of three steps, and no number holds most of it."""
    steep = torch.nn.functional.normalize(
        torch.randn(2000, WIDTH, generator=torch.Generator().manual_seed(1)) * torch.logspace(0, -2, WIDTH),
        dim=1,
    )
    basis, step = measured_code(steep, NUMBERS)
    assert torch.allclose((steep @ basis).std(dim=0), 3 * step)
    assert step.max() / step.min() < 5
