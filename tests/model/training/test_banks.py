"""The bank that training makes: which drawings and names are in it, and a model folder that gets it whole or not."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from model import Encoder
from model.bank import Bank, Near
from model.card import SHIPPED, Checkpoint
from model.data.datasets import SKETCH, UNRECOGNIZED, DataProblem, Dataset, Record
from model.data.loading import load_image
from model.errors import BadWeights, ModelError
from model.export.folders import weight_file, write_card
from model.modality import Modality, Vectors, unit
from model.training.banks import CAPTIONS, MOST_BYTES, WEIGHING, Weighing, add_bank, build_bank, complete
from tests.kit.training import LABELS, tiny_data

HEADER = 2**12


def names(vectors: Vectors, known: Vectors, labels: Sequence[str]) -> Counter[str]:
    """How often each label is among vectors, each of which is one of those that are known."""
    scores = vectors @ known.T
    assert scores.max(axis=1) == pytest.approx(1, abs=1e-4)
    return Counter(labels[row] for row in scores.argmax(axis=1))


def drawn(encoder: Encoder, bank: Bank, data: Dataset) -> Counter[str]:
    records = data.of(SKETCH)
    known = encoder.sketches([load_image(record) for record in records])
    return names(bank.kinds[Modality.SKETCH].vectors, known, [record.label for record in records])


def said(encoder: Encoder, bank: Bank, labels: Sequence[str]) -> Counter[str]:
    known = [(label, caption.format(label)) for label in labels for caption in CAPTIONS]
    vectors = captions(encoder, [text for _, text in known])
    return names(bank.kinds[Modality.TEXT].vectors, vectors, [label for label, _ in known])


def captions(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    return encoder.strip(encoder.unstripped.captions(texts), Modality.TEXT)


def weighing(sketches: int) -> dict[Modality, Weighing]:
    return {**WEIGHING, Modality.SKETCH: replace(WEIGHING[Modality.SKETCH], most=sketches)}


def opened(folder: Path, encoder: Encoder) -> Encoder:
    """The model in that folder, whose towers are those of the shipped one, and need not be compiled again."""
    return Encoder(Checkpoint(folder), encoder.engine)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped model without its bank, as a folder to change."""
    folder = Path(shutil.copytree(SHIPPED / "lite", tmp_path / "lite"))
    card = Checkpoint(folder).card
    weights = {part: file for part, file in card.weights.items() if part != "bank"}
    write_card(card.model_copy(update={"weights": weights}), folder)
    (folder / "bank.safetensors").unlink()
    return folder


@pytest.fixture(scope="module")
def bank(encoder: Encoder, figures: Dataset) -> Bank:
    return build_bank(encoder, figures)


def test_it_holds_all_drawings_and_names_of_small_data(
    encoder: Encoder, figures: Dataset, bank: Bank
) -> None:
    assert bank.fingerprint == encoder.fingerprint
    assert drawn(encoder, bank, figures) == dict.fromkeys(LABELS, 3)
    assert said(encoder, bank, LABELS) == dict.fromkeys(LABELS, len(CAPTIONS))
    assert Modality.PHOTO not in bank.kinds
    for kind, near in bank.kinds.items():
        assert (near.count, near.share) == (WEIGHING[kind].count, WEIGHING[kind].share)


def test_drawings_are_spread_evenly_over_labels(encoder: Encoder, figures: Dataset) -> None:
    scarce = figures.where(lambda record: record.label != "box" or record.path.stem == "0")
    bank = build_bank(encoder, scarce, weighing=weighing(7))
    assert drawn(encoder, bank, figures) == {"ball": 2, "box": 1, "cross": 2, "stairs": 2}


def test_the_same_data_gives_the_same_bank_in_any_order_and_place(
    encoder: Encoder, figures: Dataset, tmp_path: Path
) -> None:
    first = build_bank(encoder, figures, weighing=weighing(5))
    root = figures.records[0].path.parents[2]
    moved = tiny_data(tmp_path / root.name)
    again = build_bank(encoder, replace(moved, records=moved.records[::-1]), weighing=weighing(5))
    assert again.digest == first.digest


def test_sketches_and_texts_share_what_room_there_is(encoder: Encoder, figures: Dataset) -> None:
    most = HEADER + 14 * encoder.dimension * 2
    bank = build_bank(encoder, figures, most_bytes=most)
    assert len(bank.data) <= most
    # Of 12 drawings and 16 captions, half.
    assert sorted(drawn(encoder, bank, figures).values()) == [1, 1, 2, 2]
    assert said(encoder, bank, LABELS) == dict.fromkeys(LABELS, 2)
    # The bare names are the last to go.
    bare = captions(encoder, LABELS) @ bank.kinds[Modality.TEXT].vectors.T
    assert bare.max(axis=1) == pytest.approx(1, abs=1e-4)


def test_a_whole_bank_fits_into_the_file_that_ships() -> None:
    rows = unit(np.ones((1, 512), np.float32))
    kinds = {kind: Near(np.repeat(rows, each.most, axis=0), 5, 0.5) for kind, each in WEIGHING.items()}
    assert len(Bank("5" * 16, kinds).data) <= MOST_BYTES - HEADER / 2


def test_drawings_that_show_nothing_are_left_out(encoder: Encoder, figures: Dataset, tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(b"not a picture")
    unclear = Record(figures.of(SKETCH)[0].path, SKETCH, "unclear", note=UNRECOGNIZED)
    damaged = Record(tmp_path / "damaged.png", SKETCH, "damaged")
    lines: list[str] = []
    data = replace(figures, records=(*figures.records, unclear, damaged))
    bank = build_bank(encoder, data, say=lines.append)
    assert drawn(encoder, bank, figures) == dict.fromkeys(LABELS, 3)
    assert lines[0] == f"encoding 13 drawings and {6 * len(CAPTIONS)} captions for the bank"
    assert lines[1].startswith(f"1 images left out; the first is {damaged.path}: ")


def test_data_without_drawings_is_refused(encoder: Encoder, figures: Dataset, tmp_path: Path) -> None:
    photos = figures.where(lambda record: record.modality != SKETCH)
    with pytest.raises(DataProblem, match="has no sketches"):
        build_bank(encoder, photos)
    (tmp_path / "damaged.png").write_bytes(b"not a picture")
    broken = replace(photos, records=(Record(tmp_path / "damaged.png", SKETCH, "damaged"),))
    with pytest.raises(DataProblem, match=r"no sketch of 1 is usable; the first is .*damaged\.png: "):
        build_bank(encoder, broken)


def test_a_model_that_reads_no_words_has_a_bank_of_drawings(
    encoder: Encoder, copy: Path, figures: Dataset
) -> None:
    card = Checkpoint(copy).card
    silent = {part: weight for part, weight in card.weights.items() if part != "words"}
    write_card(card.model_copy(update={"weights": silent, "text_tower": None}), copy)
    add_bank(Checkpoint(copy), build_bank(opened(copy, encoder), figures))
    found = opened(copy, encoder).bank
    assert found is not None
    assert {kind: len(near.vectors) for kind, near in found.kinds.items()} == {Modality.SKETCH: 12}


def test_a_model_folder_gets_a_bank_and_stays_the_same_model(
    encoder: Encoder, copy: Path, bank: Bank
) -> None:
    before = Checkpoint(copy).card
    after = add_bank(Checkpoint(copy), bank).card
    assert after.fingerprint == before.fingerprint
    assert after.model_copy(update={"weights": before.weights}) == before
    found = opened(copy, encoder).bank
    assert found is not None
    assert found.digest == bank.digest


def test_a_bank_is_replaced_whole_and_alone(
    encoder: Encoder, copy: Path, bank: Bank, figures: Dataset
) -> None:
    other = Bank(bank.fingerprint, {Modality.SKETCH: bank.kinds[Modality.SKETCH]})
    listed = {path.name for path in copy.iterdir()}
    for each in (bank, other, other, bank):
        add_bank(Checkpoint(copy), each)
        found = opened(copy, encoder).bank
        assert found is not None
        assert found.digest == each.digest
        assert {path.name for path in copy.iterdir()} - listed == {Checkpoint(copy).card.weights["bank"].file}
    # Training's own step keeps it.
    complete(copy, figures, pytest.fail)


@pytest.mark.parametrize("failing", ["model.training.banks.write_card", "pathlib.Path.write_bytes"])
def test_a_full_disk_leaves_the_model_as_it_was(
    encoder: Encoder, copy: Path, bank: Bank, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    add_bank(Checkpoint(copy), bank)
    card = (copy / "card.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(failing, full)
        with pytest.raises(ModelError, match=r"cannot write the bank \(No space left on device\)"):
            add_bank(Checkpoint(copy), Bank(bank.fingerprint, {}))
    assert (copy / "card.json").read_bytes() == card
    found = opened(copy, encoder).bank
    assert found is not None
    assert found.digest == bank.digest


def test_a_model_that_changed_refuses_the_bank_until_it_has_its_own(
    encoder: Encoder, copy: Path, bank: Bank, figures: Dataset
) -> None:
    card = add_bank(Checkpoint(copy), bank).card
    heads = load_file(copy / "heads.safetensors")
    save_file(heads | {"encoding.sketch": heads["encoding.photo"]}, copy / "heads.safetensors")
    other = card.weights | {"heads": weight_file(copy / "heads.safetensors")}
    write_card(card.model_copy(update={"weights": other}), copy)
    changed = opened(copy, encoder)
    assert changed.fingerprint != bank.fingerprint
    with pytest.raises(BadWeights, match="a bank of another model"):
        _ = changed.bank
    own = build_bank(changed, figures)
    add_bank(Checkpoint(copy), own)
    found = opened(copy, encoder).bank
    assert found is not None
    assert found.digest == own.digest != bank.digest


def test_a_model_for_which_there_are_no_drawings_stays_without(copy: Path, figures: Dataset) -> None:
    lines: list[str] = []
    complete(copy, figures.where(lambda record: record.modality != SKETCH), lines.append)
    assert lines == [
        f"the model has no bank: {figures.name} has no sketches, which a bank is made of: give the training data"
    ]
    assert not Checkpoint(copy).has("bank")
