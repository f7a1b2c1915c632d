"""Shipping a trained model: whole, with a sibling that looks twice and shares its files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import Encoder
from model.bank import Bank, Near
from model.card import SHIPPED, Checkpoint
from model.export.looks import with_looks
from model.modality import Modality, unit
from model.training.banks import add_bank
from scripts.ship_lite import ship

FIGURES = {"lite": {"small first_hit": {"plain": 0.5}}, "lite-plus": {"small first_hit": {"plain": 0.6}}}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED / "lite", tmp_path / "out" / "lite")
    plus = with_looks(
        Checkpoint(tmp_path / "out" / "lite"), tmp_path / "out" / "lite-plus", ["plain", "mirrored"]
    )
    vectors = unit(np.random.default_rng(0).normal(size=(40, plus.card.dimension)).astype(np.float32))
    add_bank(plus, Bank(plus.card.fingerprint, {Modality.SKETCH: Near(vectors, 30, 1.0)}))
    return tmp_path / "out"


def test_the_sibling_takes_all_but_its_bank_from_lite(made: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    ship(made, FIGURES, "trained well", weights)
    assert sorted(path.name for path in (weights / "lite-plus").iterdir()) == [
        "bank.safetensors",
        "card.json",
    ]
    picture = Image.effect_noise((300, 200), 80).convert("RGB")
    before, after = (Encoder.load(folder / "lite-plus") for folder in (made, weights))
    assert after.fingerprint == before.fingerprint
    assert np.array_equal(after.photos([picture]), before.photos([picture]))
    assert after.bank is not None
    assert after.card.name == "lite-plus"
    assert after.card.figures == FIGURES["lite-plus"]
    lite = Encoder.load(weights / "lite")
    assert lite.card.description == "trained well"
    assert lite.card.figures == FIGURES["lite"]
    assert lite.local is not None


def test_a_sibling_of_another_model_is_refused(made: Path, tmp_path: Path) -> None:
    card = json.loads((made / "lite-plus" / "card.json").read_text())
    card["weights"]["heads"]["sha256"] = "0" * 64
    (made / "lite-plus" / "card.json").write_text(json.dumps(card))
    with pytest.raises(SystemExit, match="another heads than lite"):
        ship(made, FIGURES, "trained well", tmp_path / "weights")
