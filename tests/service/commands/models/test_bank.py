"""`sketchseek bank` as users run it: a bank for a finished model, and one clear line where there can be none."""

import json
import shutil
from pathlib import Path

import pytest

from model import Encoder
from model.card import SHIPPED
from model.modality import Modality
from tests.kit.privileges import unprivileged
from tests.kit.service.commands import refused, sketchseek
from tests.kit.shapes import THINGS, drawing, picture


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED / "lite", tmp_path / "copy"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One photo and one drawing of each thing."""
    for thing in THINGS:
        for modality, image in (("photos", picture(thing)), ("sketches", drawing(thing))):
            path = tmp_path / "data" / modality / thing / "1.png"
            path.parent.mkdir(parents=True)
            image.save(path)
    return tmp_path / "data"


def test_a_finished_model_gets_a_bank(copy: Path, data: Path, encoder: Encoder) -> None:
    done = sketchseek("bank", copy, data)
    assert done.returncode == 0, done.stderr
    made = Encoder.load(copy)
    assert made.fingerprint == encoder.fingerprint
    assert made.bank is not None
    texts = made.bank.kinds[Modality.TEXT].vectors
    assert (
        f"{copy}: bank {made.bank.digest}, {len(THINGS)} drawings and {len(texts)} captions, " in done.stdout
    )
    assert f"{len(made.bank.data)} bytes" in done.stdout


def test_labels_that_training_held_out_are_not_in_it(copy: Path, data: Path, tmp_path: Path) -> None:
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"validation_unseen": list(THINGS)[:1]}))
    done = sketchseek("bank", copy, data, "--splits", splits)
    assert f", {len(THINGS) - 1} drawings and " in done.stdout


def test_what_cannot_be_is_refused_in_one_line(copy: Path, data: Path, tmp_path: Path) -> None:
    before = (copy / "card.json").read_bytes()
    refused(sketchseek("bank", "lite", data), "lite is a model that ships with sketchseek: copy ")
    refused(
        sketchseek("bank", tmp_path, data), "(No such file or directory); give a model folder, which holds"
    )
    refused(sketchseek("bank", copy, tmp_path / "absent"), "expected data at")
    copy.chmod(0o555)
    with unprivileged():
        refused(sketchseek("bank", copy, data), "cannot be written to (Permission denied); copy the model")
    copy.chmod(0o755)
    shutil.rmtree(data / "sketches")
    refused(sketchseek("bank", copy, data), "data has no sketches")
    assert (copy / "card.json").read_bytes() == before
