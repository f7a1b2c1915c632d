"""Models of open_clip's kind, from a recipe to a folder that indexes and searches; random weights, no network."""

import json
from pathlib import Path

import numpy as np
import open_clip as library
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from model import Encoder, NoTextTower
from model.backbones import open_clip
from model.card import Checkpoint
from model.errors import BadWeights, ModelError
from model.export.folders import weight_file, write_card
from model.training.network import Network, build
from model.training.publish import Provenance, write_model
from model.training.recipe import Recipe
from tests.kit.training import tiny_clip, tiny_recipe

pytestmark = pytest.mark.slow

TOLD = Provenance("sketchseek train", (), {})
WORDS = ["a photo of a cat", "It's raining", "x " * 90]


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(3)
    return build(recipe(), random_weights=True).eval()


@pytest.fixture
def folder(network: Network, tmp_path: Path) -> Path:
    return write_model(network, recipe(), tmp_path / "model", TOLD).folder


def recipe() -> Recipe:
    return tiny_recipe(
        towers="open_clip", architecture=tiny_clip(), anchors={}, encodings="normal", dimension=16
    )


def pictures() -> list[Image.Image]:
    dice = np.random.default_rng(0)
    return [Image.fromarray(dice.integers(0, 255, (40, 30, 3), dtype=np.uint8)) for _ in range(5)]


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_encoder_gives_the_learners_vectors(network: Network, folder: Path, engine: str) -> None:
    learner = network.learner
    encoder = Encoder.load(folder, engine=engine)
    prepared = torch.from_numpy(np.stack([encoder.prepare_photo(image) for image in pictures()]))
    with torch.no_grad():
        photos = learner.images(learner.prepare(prepared)).numpy()
        texts = learner.texts(learner.read(WORDS)).numpy()
    assert (encoder.unstripped.photos(pictures()) * photos).sum(1).min() > 0.999
    assert (encoder.unstripped.captions(WORDS) * texts).sum(1).min() > 0.999


def test_words_are_averaged_over_the_prompts_of_the_card(folder: Path) -> None:
    encoder = Encoder.load(folder, engine="torch")
    assert len(encoder.card.prompts) > 1
    captions = encoder.unstripped.captions([prompt.replace("{}", "cat") for prompt in encoder.card.prompts])
    mean = captions.mean(axis=0)
    found = encoder.unstripped.texts(["cat"])
    assert np.allclose(found[0], mean / np.linalg.norm(mean), atol=1e-4)


def test_what_is_searched_has_lost_its_encoding(folder: Path) -> None:
    encoder = Encoder.load(folder, engine="torch")
    raw, found = encoder.unstripped.photos(pictures()), encoder.photos(pictures())
    left = raw - load_file(folder / "heads.safetensors")["encoding.photo"].numpy()
    assert np.allclose(found, left / np.linalg.norm(left, axis=1, keepdims=True), atol=1e-4)


def test_open_clip_opens_the_folder_itself(network: Network, folder: Path) -> None:
    learner = network.learner
    model, _, _ = library.create_model_and_transforms(f"local-dir:{folder}")
    tokens = learner.read(WORDS)
    with torch.no_grad():
        theirs = model.eval().encode_text(tokens, normalize=True)
        assert torch.nn.functional.cosine_similarity(theirs, learner.texts(tokens)).min() > 0.999


def test_openai_weights_get_the_activation_that_they_were_trained_with() -> None:
    said = json.loads(open_clip.described("ViT-B-32", "openai", open_clip.create(tiny_clip(), None)))
    assert said["model_cfg"]["quick_gelu"] is True
    plain = json.loads(
        open_clip.described("ViT-B-32", "laion2b_s34b_b79k", open_clip.create(tiny_clip(), None))
    )
    assert "quick_gelu" not in plain["model_cfg"]


def test_the_fingerprint_knows_the_activation(folder: Path) -> None:
    card = Checkpoint(folder).card
    config = json.loads((folder / open_clip.CONFIG).read_text())
    config["model_cfg"]["quick_gelu"] = True
    (folder / open_clip.CONFIG).write_text(json.dumps(config))
    other = card.model_copy(
        update={"weights": card.weights | {"open_clip": weight_file(folder / open_clip.CONFIG)}}
    )
    write_card(other, folder)
    assert Checkpoint(folder).card.fingerprint != card.fingerprint


@pytest.mark.parametrize("change", ["a key too many", "a key too few", "another size"])
def test_weights_of_another_architecture_are_refused(folder: Path, change: str) -> None:
    tensors = load_file(folder / open_clip.WEIGHTS)
    if change == "a key too many":
        tensors["visual.extra"] = torch.zeros(1)
    elif change == "a key too few":
        del tensors["visual.conv1.weight"]
    else:
        tensors["visual.conv1.weight"] = torch.zeros(32, 3, 8, 8)
    save_file(tensors, folder / open_clip.WEIGHTS)
    card = Checkpoint(folder).card
    changed = {"torch.image": weight_file(folder / open_clip.WEIGHTS)}
    write_card(card.model_copy(update={"weights": card.weights | changed}), folder)
    with pytest.raises(BadWeights, match="not an open_clip model that this version reads"):
        Encoder.load(folder, engine="torch")


def test_words_of_another_tokenizer_are_not_asked_for(network: Network, tmp_path: Path) -> None:
    assert not open_clip.reads_byte_pairs("ViT-B-16-SigLIP")
    other = tiny_clip(tokenizer="somebody/else")
    made = write_model(network, recipe().model_copy(update={"architecture": other}), tmp_path / "model", TOLD)
    assert made.card.text_tower is None
    with pytest.raises(NoTextTower, match="search with a drawing"):
        Encoder.load(made.folder, engine="openvino").texts(["a cat"])


def test_weights_that_cannot_be_had_say_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="set `pretrained` to a local file"):
        open_clip.create(tiny_clip(), str(tmp_path / "nothing.pt"))
