"""Models written by version 0.1 open as they are: the same fingerprint, the same vectors.

`old/` was made with the code of 0.1 from random weights, a model of each family. Each `.npz` holds what each engine
of 0.1 gave for two drawings and two photos; `shipped.npz` holds what the shipped model gave when it was trained, and
pictures as 0.1 prepared them.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import tests.model.backbones.kit  # noqa: F401 (its networks)
from model import Encoder
from model.card import Checkpoint
from tests.kit.pictures import line_drawing, photo
from tests.kit.shapes import drawing

OLD = Path(__file__).parent / "old"
FAMILIES = {"lite": "timm", "open_clip": "open_clip"}
DRAWINGS = [drawing("fish"), drawing("star")]
PHOTOS = [photo(320, 240, seed=1), photo(200, 300, seed=2)]
MORE = [
    line_drawing(512),
    line_drawing(1300, ink=(200, 30, 90)),
    line_drawing(300, ink=(0, 0, 0, 255), paper=(0, 0, 0, 0), mode="RGBA"),
]


@pytest.mark.parametrize("engine", ["openvino", "torch"])
@pytest.mark.parametrize("name", [*FAMILIES, "shipped"])
def test_a_model_gives_the_vectors_that_it_gave(name: str, engine: str) -> None:
    wanted = np.load(OLD / f"{name}.npz")
    encoder = Encoder.load("lite" if name == "shipped" else OLD / name, engine=engine)
    assert encoder.fingerprint == str(wanted["fingerprint"])
    assert np.allclose(encoder.sketches(DRAWINGS), wanted[f"{engine}.sketches"], atol=1e-5)
    assert np.allclose(encoder.photos(PHOTOS), wanted[f"{engine}.photos"], atol=1e-5)


def test_pictures_are_prepared_as_they_were_to_the_bit(encoder: Encoder) -> None:
    prepared = [encoder.prepare_sketch(image).tobytes() for image in [*MORE, *DRAWINGS]]
    prepared += [encoder.prepare_photo(image).tobytes() for image in PHOTOS]
    assert hashlib.sha256(b"".join(prepared)).hexdigest() == str(np.load(OLD / "shipped.npz")["pixels"])


@pytest.mark.parametrize(("name", "backbone"), FAMILIES.items())
def test_what_a_card_of_0_1_does_not_say_is_what_was_so(name: str, backbone: str) -> None:
    assert not {"backbone", "method", "reranker"} & set(json.loads((OLD / name / "card.json").read_text()))
    card = Checkpoint(OLD / name).card
    assert (card.backbone, card.method, card.reranker) == (backbone, "ma-sbir", "plain")
