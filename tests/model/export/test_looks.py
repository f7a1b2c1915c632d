"""A model that looks twice: the mean of both looks, with the words and cells of the model that looks once."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageOps

from model import Encoder
from model.card import SHIPPED, Checkpoint
from model.errors import BadWeights, ModelError
from model.export.blend import blend
from model.export.looks import with_looks
from model.modality import Modality, unit
from tests.kit.shapes import THINGS, drawing, picture

BOTH = ("plain", "mirrored")


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    made = with_looks(Checkpoint.find("lite"), tmp_path_factory.mktemp("looks") / "twice", BOTH)
    return Encoder.load(made.folder)


def test_a_vector_is_the_mean_of_a_picture_and_its_mirror_image(twice: Encoder, encoder: Encoder) -> None:
    for kind, pictures in (
        (Modality.PHOTO, [picture(thing) for thing in THINGS]),
        (Modality.SKETCH, [drawing(thing) for thing in THINGS]),
    ):
        prepare = encoder.prepare_photo if kind == Modality.PHOTO else encoder.prepare_sketch
        plain = np.stack([prepare(each) for each in pictures])
        mirrored = np.stack([np.asarray(each)[:, ::-1] for each in plain])
        looks = [encoder.unstripped.encode(list(each)).vectors for each in (plain, mirrored)]
        assert not np.allclose(*looks, atol=1e-2)
        found = twice.encode(list(plain), kind)
        assert np.allclose(found.vectors, encoder.strip(unit(looks[0] + looks[1]), kind), atol=1e-4)
        cells = encoder.encode(list(plain), kind).cells
        assert found.cells is not None
        assert cells is not None
        assert np.allclose(found.cells, cells, atol=1e-3)


def test_which_way_a_thing_faces_makes_no_difference(twice: Encoder, encoder: Encoder) -> None:
    photo = picture(next(iter(THINGS)))
    same, other = (each.photos([photo, ImageOps.mirror(photo)]) for each in (twice, encoder))
    assert same[0] @ same[1] > 0.999
    assert other[0] @ other[1] < same[0] @ same[1]


def test_it_is_another_model_with_the_same_words_and_without_a_bank(twice: Encoder, encoder: Encoder) -> None:
    assert twice.fingerprint != encoder.fingerprint
    assert twice.card.name == "lite-mirrored"
    assert twice.bank is None
    assert twice.local is not None
    assert np.array_equal(twice.texts(["a dog"]), encoder.texts(["a dog"]))
    assert (twice.engine.name, twice.engine.device) == (encoder.engine.name, encoder.engine.device)
    assert twice.engine.problem is None
    assert twice.batch == encoder.batch


@pytest.mark.parametrize(
    ("looks", "why"),
    [
        (["plain", "upside down"], "looks.1: Input should be 'plain' or 'mirrored'"),
        (["mirrored"], "has to be plain"),
        ([], "has to be plain"),
        (["plain", "plain"], "twice"),
    ],
)
def test_a_card_with_other_looks_is_refused(tmp_path: Path, looks: list[str], why: str) -> None:
    shutil.copytree(SHIPPED / "lite", tmp_path / "copy")
    card = json.loads((tmp_path / "copy" / "card.json").read_text())
    (tmp_path / "copy" / "card.json").write_text(json.dumps(card | {"looks": looks}))
    with pytest.raises(BadWeights, match=why):
        Checkpoint(tmp_path / "copy")


def test_models_that_look_differently_are_not_blended(tmp_path: Path) -> None:
    made = Checkpoint(with_looks(Checkpoint.find("lite"), tmp_path / "twice", BOTH).folder)
    with pytest.raises(ModelError, match="different looks at pictures"):
        blend([Checkpoint.find("lite"), made], tmp_path / "blend")
