"""The bank: what weighs photos, and the file that it is kept in."""

from pathlib import Path

import numpy as np
import pytest

from model.bank import KINDS, Bank, Near, read_bank
from model.errors import BadWeights
from model.modality import Modality, Vectors, unit

FINGERPRINT = "5" * 16


def vectors(count: int, seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, 24)).astype(np.float32))


@pytest.fixture
def bank() -> Bank:
    kinds = {Modality.SKETCH: Near(vectors(40, 1), 5, 0.5), Modality.TEXT: Near(vectors(9, 2), 30, 0.25)}
    return Bank(FINGERPRINT, kinds)


@pytest.fixture
def kept(bank: Bank, tmp_path: Path) -> Path:
    path = tmp_path / "bank.safetensors"
    path.write_bytes(bank.data)
    return path


def test_a_bias_is_a_share_of_the_mean_of_the_nearest(bank: Bank) -> None:
    photos = vectors(3000, 3)
    found = bank.biases(photos)
    for row in (0, 1, 2999):
        drawn = np.sort(photos[row] @ bank.kinds[Modality.SKETCH].vectors.T)[-5:].mean() / 2
        # Asked for more than there are: the mean of all.
        said = (photos[row] @ bank.kinds[Modality.TEXT].vectors.T).mean() / 4
        assert found[row] == pytest.approx([drawn, said, 0], abs=1e-6)
    assert bank.biases(photos[:0]).shape == (0, len(KINDS))


def test_a_photo_near_all_drawings_has_a_larger_bias_than_one_near_none(bank: Bank) -> None:
    drawings = bank.kinds[Modality.SKETCH].vectors
    near, far = unit(drawings[:5].sum(axis=0)), -unit(drawings.sum(axis=0))
    biases = bank.biases(np.stack([near, far]))
    assert biases[0, KINDS.index(Modality.SKETCH)] > 0.2 > biases[1, KINDS.index(Modality.SKETCH)]


def test_a_file_gives_back_the_bank(bank: Bank, kept: Path) -> None:
    read = read_bank(kept, FINGERPRINT, 24)
    assert read.kinds.keys() == bank.kinds.keys()
    assert read.digest == bank.digest
    assert np.allclose(read.biases(vectors(50, 4)), bank.biases(vectors(50, 4)), atol=1e-3)


def test_other_numbers_are_another_bank(bank: Bank) -> None:
    sketches, words = bank.kinds[Modality.SKETCH], bank.kinds[Modality.TEXT]
    others = [
        Bank("6" * 16, bank.kinds),
        Bank(FINGERPRINT, {Modality.SKETCH: sketches}),
        Bank(FINGERPRINT, {Modality.SKETCH: words, Modality.TEXT: sketches}),
        Bank(FINGERPRINT, {Modality.SKETCH: Near(sketches.vectors, 6, 0.5), Modality.TEXT: words}),
        Bank(FINGERPRINT, {Modality.SKETCH: Near(vectors(40, 9), 5, 0.5), Modality.TEXT: words}),
    ]
    assert len({other.digest for other in [*others, bank]}) == 6


def test_a_bank_of_another_model_is_refused(kept: Path) -> None:
    with pytest.raises(BadWeights, match=f"a bank of another model \\({FINGERPRINT}\\) than this one \\(66"):
        read_bank(kept, "6" * 16, 24)
    with pytest.raises(BadWeights, match="vectors of sketch have the wrong shape"):
        read_bank(kept, FINGERPRINT, 32)


@pytest.mark.parametrize("damage", ["absent", "cut", "text", "nan", "none"])
def test_what_is_no_bank_is_refused_in_one_line(bank: Bank, kept: Path, damage: str) -> None:
    data = kept.read_bytes()
    broken = Near(np.full((3, 24), np.nan, np.float32), 5, 0.5)
    empty = Near(np.empty((0, 24), np.float32), 5, 0.5)
    whole = {
        "cut": data[:-7],
        "text": b"not a bank",
        "nan": Bank(FINGERPRINT, {Modality.SKETCH: broken}).data,
        "none": Bank(FINGERPRINT, {Modality.SKETCH: empty}).data,
    }
    kept.unlink()
    if damage in whole:
        kept.write_bytes(whole[damage])
    with pytest.raises(BadWeights, match=r"bank\.safetensors: not a bank") as error:
        read_bank(kept, FINGERPRINT, 24)
    assert "\n" not in str(error.value)
