"""Shipping a trained model: whole, under its own name, in the place of the one before it."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from model import Encoder
from model.card import SHIPPED
from scripts.ship_lite import ship

FIGURES = {"a twin that saw none of it": {"small first_hit": {"plain": 0.5}}}


def test_all_of_a_model_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    made, place = tmp_path / "out" / "lite", tmp_path / "weights" / "lite-plus"
    shutil.copytree(SHIPPED / "lite", made)
    place.mkdir(parents=True)
    (place / "left.bin").write_bytes(b"of the one before")
    ship(made, FIGURES, "trained well", place)
    before, after = Encoder.load(made), Encoder.load(place)
    assert not (place / "left.bin").exists()
    assert (after.card.name, after.card.description) == ("lite-plus", "trained well")
    assert after.card.figures == FIGURES
    assert after.fingerprint == before.fingerprint
    picture = Image.effect_noise((300, 200), 80).convert("RGB")
    assert np.array_equal(after.photos([picture]), before.photos([picture]))
    assert after.bank is not None
    assert after.local is not None
