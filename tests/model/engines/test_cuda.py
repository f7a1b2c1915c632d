"""The engine for cards, run on the CPU: all of it but the recording of graphs and the streams."""

import logging
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model import Encoder, gpu
from model.backbones.towers import image_tower
from model.card import Checkpoint
from model.engines import describe, open_engine
from model.engines.cuda import CudaEngine
from model.engines.precision import COSINE, HALF, quickest, trial_pixels
from model.errors import DeviceProblem, NoEngine
from model.pictures.preprocess import photo_pixels
from model.training.network import build
from model.training.publish import Provenance, write_model
from tests.kit.pictures import photo
from tests.kit.training import tiny_clip, tiny_network, tiny_recipe

pytestmark = pytest.mark.slow

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
LOST = RuntimeError(
    "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"
)
no_card = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a card")


@pytest.fixture(scope="module", params=["lite", "open_clip"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A small model of each family, with random weights."""
    clip = {
        "towers": "open_clip",
        "architecture": tiny_clip(),
        "anchors": {},
        "encodings": "normal",
        "dimension": 16,
    }
    recipe = tiny_recipe(**(clip if request.param == "open_clip" else {}))
    torch.manual_seed(3)
    network = tiny_network(recipe) if request.param == "lite" else build(recipe, random_weights=True)
    folder = tmp_path_factory.mktemp(request.param) / "model"
    return Checkpoint(
        write_model(network.eval(), recipe, folder, Provenance("sketchseek train", (), {})).folder
    )


@pytest.fixture(scope="module")
def engine(checkpoint: Checkpoint) -> CudaEngine:
    return CudaEngine(checkpoint, "cpu", most=4)


def pixels(checkpoint: Checkpoint, count: int) -> NDArray[np.uint8]:
    side = checkpoint.card.image_tower.size or 224
    return trial_pixels(side, torch.device("cpu"), count).numpy()


@pytest.mark.slow
def test_it_gives_the_references_vectors(checkpoint: Checkpoint, engine: CudaEngine) -> None:
    reference = open_engine("torch", checkpoint)
    given = pixels(checkpoint, 7)
    for count in (1, 3, 7):
        found = engine.embed_images(given[:count])
        assert found.shape == (count, checkpoint.card.dimension)
        assert found.dtype == np.float32
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
        assert (found * reference.embed_images(given[:count])).sum(axis=1).min() >= COSINE


def test_words_are_the_references(checkpoint: Checkpoint, engine: CudaEngine) -> None:
    encoder = Encoder(checkpoint, engine)
    words = ["a cat", "two dogs, running"]
    reference = Encoder(checkpoint, open_engine("torch", checkpoint))
    assert (encoder.texts(words) * reference.texts(words)).sum(axis=1).min() >= COSINE


def test_the_shipped_model_keeps_its_vectors_in_half_precision() -> None:
    tower = image_tower(Checkpoint.find("lite"))
    given = torch.from_numpy(np.stack([photo_pixels(photo(300, 240, seed=5), 224)]))
    assert quickest(tower, given) is not tower


def test_it_says_what_it_is(engine: CudaEngine) -> None:
    assert (engine.name, engine.device, engine.batch, engine.problem) == ("torch-cuda", "cpu", 4, None)


def test_results_of_one_call_outlive_the_next(checkpoint: Checkpoint, engine: CudaEngine) -> None:
    given = pixels(checkpoint, 2)
    first = engine.embed_images(given[:1])
    kept = first.copy()
    engine.embed_images(given[1:])
    assert np.array_equal(first, kept)


def failing(engine: CudaEngine, fails: Callable[[int], Exception | None]) -> list[int]:
    """Lets launches of the engine raise what `fails` gives for their size; the sizes launched are noted."""
    launched: list[int] = []

    def wrapped(size: int, launch: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            launched.append(size)
            if (error := fails(size)) is not None:
                raise error
            return launch()

        return run

    for size, step in engine._images.steps.items():
        step.launch = wrapped(size, step.launch)
    return launched


@pytest.fixture
def own(checkpoint: Checkpoint) -> CudaEngine:
    """An engine of the test's own, to be broken."""
    return CudaEngine(checkpoint, "cpu", most=4)


def test_where_memory_ends_batches_are_halved_for_good(
    checkpoint: Checkpoint, own: CudaEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine = own
    given = pixels(checkpoint, 5)
    whole = engine.embed_images(given)
    launched = failing(engine, lambda size: FULL if size > 1 else None)
    with caplog.at_level(logging.WARNING, "sketchseek"):
        assert np.allclose(engine.embed_images(given), whole, atol=1e-3)
    assert engine.batch == 1
    assert launched == [4, 2, 1, 1, 1, 1, 1]
    assert "batches of 2 instead of 4" in caplog.text


def test_a_card_that_is_full_for_one_picture_says_what_to_do(checkpoint: Checkpoint, own: CudaEngine) -> None:
    engine = own
    failing(engine, lambda size: FULL)
    with pytest.raises(DeviceProblem, match="nvidia-smi lists it"):
        engine.embed_images(pixels(checkpoint, 2))
    # It may have room again later.
    assert engine.problem is None


def test_a_card_lost_in_a_batch_is_said_once_and_not_asked_again(
    checkpoint: Checkpoint, own: CudaEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine = own
    launched = failing(engine, lambda size: LOST)
    for _ in range(3):
        with pytest.raises(DeviceProblem, match="lost to this process: restart the process"):
            engine.embed_images(pixels(checkpoint, 1))
    assert launched == [1]
    assert engine.problem is not None
    assert caplog.text.count("unspecified launch failure") == 1


def test_a_model_that_half_precision_changes_runs_in_full(
    checkpoint: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    tower = image_tower(checkpoint)
    given = torch.from_numpy(pixels(checkpoint, 2))
    half = quickest(tower, given)
    assert half is not tower
    assert next(half.children()) is not next(tower.children())
    assert {HALF} <= {value.dtype for value in half.parameters()}
    with torch.no_grad():
        # Activations beyond 65504, which fp16 cannot hold.
        next(tower.parameters()).mul_(1e9)
    assert quickest(tower, given) is tower
    assert "it runs in float32, slower" in caplog.text


@no_card
def test_asked_for_without_a_card_it_says_what_to_do() -> None:
    with pytest.raises(DeviceProblem, match=r"or run without a GPU: --engine auto"):
        Encoder.load("lite", engine="torch-cuda")


@no_card
def test_auto_goes_on_by_the_cpu_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gpu, "seems_there", lambda: True)
    assert Encoder.load("lite").engine.name == "openvino"
    assert "the model runs on the CPU, by openvino: " in caplog.text


@no_card
def test_an_installation_without_openvino_warns_where_it_has_no_card(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("model.engines._installed", lambda name: name != "openvino")
    assert Encoder.load("lite").engine.name == "torch"
    assert "the model runs on the CPU, by torch: " in caplog.text
    with pytest.raises(NoEngine, match="openvino is not installed"):
        Encoder.load("lite", engine="openvino")


@no_card
def test_what_could_run_here_is_described() -> None:
    found = {each.name: each for each in describe()}
    assert found["openvino"].usable
    assert found["torch"].detail == "cpu"
    assert not found["torch-cuda"].usable
    assert "--engine auto" in found["torch-cuda"].detail
