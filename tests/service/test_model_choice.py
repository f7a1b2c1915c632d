"""Whoever chose a model once does not have to say so again."""

import shutil
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from indexer.empty import create
from model import Encoder
from model.card import SHIPPED, Checkpoint
from model.export.looks import with_looks
from service.model_choice import USUAL, chosen_model, model_for, model_of_run, noted
from tests.kit.jobs import index_quickly
from tests.kit.pictures import encoded
from tests.kit.service.commands import Serving, refused, sketchseek
from tests.kit.shapes import drawing
from tests.kit.waiting import until


@pytest.fixture
def fish(tmp_path: Path) -> Path:
    drawing("fish").save(tmp_path / "fish.png")
    return tmp_path / "fish.png"


def test_an_index_keeps_its_model(library: Path, fish: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert "15 added" in sketchseek("index", library, "--index", index, "--model", "lite-plus").stdout
    assert model_for(None, index) == "lite-plus"
    again = sketchseek("index", "--index", index)
    assert "15 unchanged" in again.stdout
    found = sketchseek("search", fish, "--index", index)
    assert found.returncode == 0, found.stderr
    told = sketchseek("doctor", "--index", index).stdout
    assert "runs the model lite-plus" in told
    served = Serving("--index", index)
    served.process.kill()
    served.process.communicate()
    assert "15 photos on cpu, model lite-plus" in served.said[0]


def test_a_service_takes_up_the_model_that_its_index_is_made_with_meanwhile(index: Path) -> None:
    served = Serving("--index", index)
    again = sketchseek("index", "--index", index, "--model", "lite-plus")
    assert "made with the model lite, and is now made with lite-plus" in again.stderr
    until(lambda: httpx.get(f"{served.url}readyz").json()["model"] == "lite-plus")
    fish = {"sketch": encoded(drawing("fish"), "PNG")}
    found = httpx.post(f"{served.url}search?rank=all", files=fish).json()
    assert (found["model"], found["ranked_by"]) == ("lite-plus", "all")
    assert found["results"][0]["path"].startswith("fish")
    first = {"photo_id": found["results"][0]["id"]}
    assert httpx.post(f"{served.url}explain", files=fish, data=first).json()["model"] == "lite-plus"
    # Its own runs, too.
    httpx.post(f"{served.url}admin/reindex").raise_for_status()
    until(lambda: httpx.get(f"{served.url}admin/reindex").json()["finished"] is not None, 60)
    told = httpx.get(f"{served.url}admin/reindex").json()
    _, errors = served.stop(signal.SIGTERM)
    assert (told["state"], told["report"]["unchanged"]) == ("done", 15)
    assert model_for(None, index) == "lite-plus"
    assert "with 15 photos, made with the model lite-plus" in errors


def test_a_library_on_a_server_keeps_its_model(
    library: Path, fish: Path, postgres_address: str, tmp_path: Path
) -> None:
    store = postgres_address.replace("?", "/photos?")
    there, elsewhere = (("--index", tmp_path / name, "--store", store) for name in ("work", "other"))
    assert sketchseek("index", library, *there, "--model", "lite-plus").returncode == 0
    assert "15 unchanged" in sketchseek("index", *there).stdout
    for place in (there, elsewhere):
        found = sketchseek("search", fish, *place)
        assert found.returncode == 0, found.stderr
    assert "runs the model lite-plus" in sketchseek("doctor", *elsewhere).stdout
    served = Serving(*elsewhere)
    assert "model lite-plus" in served.said[0]
    assert "is now made with lite" in sketchseek("index", *there, "--model", "lite").stderr
    until(lambda: httpx.get(f"{served.url}readyz").json()["model"] == "lite")
    sketch = {"sketch": encoded(drawing("fish"), "PNG")}
    found_by_service = httpx.post(f"{served.url}search", files=sketch).json()
    served.stop(signal.SIGTERM)
    assert found_by_service["results"][0]["path"].startswith("fish")


def test_no_run_begins_with_a_model_that_may_be_wrong_while_the_server_is_away(
    library: Path, tmp_path: Path
) -> None:
    away = "postgresql://127.0.0.1:1/database/photos"
    told = sketchseek("index", library, "--index", tmp_path / "work", "--store", away)
    refused(told, "127.0.0.1:1")
    assert not (tmp_path / "work").exists()


def test_a_service_keeps_the_model_that_its_user_names(index: Path) -> None:
    served = Serving("--index", index, "--model", "lite")
    sketchseek("index", "--index", index, "--model", "lite-plus")
    until(lambda: "another model" in "".join(httpx.get(f"{served.url}readyz").json()["reasons"]))
    ready = httpx.get(f"{served.url}readyz").json()
    served.stop(signal.SIGTERM)
    assert (ready["ready"], ready["model"], ready["generation"]) == (True, "lite", "000001")


def test_another_model_is_told_how_to_go_on(fish: Path, index: Path) -> None:
    refused(
        sketchseek("search", fish, "--index", index, "--model", "lite-plus"),
        "or embed the photos again with yours: sketchseek index --model MODEL --index",
    )


def test_a_damaged_bank_is_told_before_photos_are_embedded(library: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(SHIPPED / "lite", mine)
    (mine / "bank.safetensors").write_bytes(b"damaged")
    done = sketchseek("index", library, "--index", tmp_path / "index", "--model", mine)
    refused(done, "bank.safetensors")
    assert "15 photos" not in done.stdout + done.stderr


def test_what_is_named_comes_first(index: Path) -> None:
    assert model_for("lite-plus", index) == "lite-plus"
    assert model_for(None, index) == "lite"


def test_the_settings_file_names_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('model = "lite-plus"\n')
    monkeypatch.setenv("SKETCHSEEK_CONFIG", str(file))
    assert chosen_model(None) == "lite-plus"
    assert chosen_model("models/mine") == "models/mine"


@pytest.mark.parametrize("there", [True, False])
def test_without_an_index_it_is_the_usual_one(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "CURRENT").write_text("000001\n")
    assert model_for(None, tmp_path) == model_for(None) == USUAL


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return with_looks(Checkpoint.find("lite"), tmp_path / "own", ("plain",), "mine").folder


def test_a_model_of_ones_own_is_kept_as_long_as_it_is_there(
    own: Path, library: Path, fish: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert sketchseek("index", library, "--index", index, "--model", own).returncode == 0
    assert model_for(None, index) == str(own)
    assert "15 unchanged" in sketchseek("index", "--index", index).stdout
    assert sketchseek("search", fish, "--index", index).returncode == 0
    own.rename(tmp_path / "elsewhere")
    refused(sketchseek("index", "--index", index), "made with the model mine, which cannot be found")
    again = sketchseek("index", "--index", index, "--model", tmp_path / "elsewhere")
    assert ("15 unchanged" in again.stdout, model_for(None, index)) == (True, str(tmp_path / "elsewhere"))


def test_a_model_of_ones_own_that_has_learned_more_makes_the_index_anew(
    own: Path, library: Path, index: Path
) -> None:
    with noted(index, str(own)):
        pass
    assert model_of_run(None, index) == "lite"
    shutil.rmtree(own)
    with_looks(Checkpoint.find("lite"), own, ("plain", "mirrored"), "mine")
    index_quickly(index, library, Encoder.load(own))
    assert (model_of_run(None, index), model_for(None, index)) == (str(own), str(own))
    shutil.rmtree(own)
    with_looks(Checkpoint.find("lite"), own, ("plain",), "mine")
    assert (model_of_run(None, index), model_for(None, index)) == (str(own), USUAL)


def test_a_first_run_that_was_stopped_goes_on_with_its_model(tmp_path: Path) -> None:
    index = tmp_path / "index"
    create(index)
    with suppress(KeyboardInterrupt), noted(index, "lite-plus"):
        raise KeyboardInterrupt
    assert model_of_run(None, index) == "lite-plus"
    assert model_of_run("lite", index) == "lite"
    (index / "model.json").write_text("[1")
    assert model_of_run(None, index) == USUAL


def test_a_run_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    with noted(tmp_path / "index", "lite-plus"):
        pass
    assert not (tmp_path / "index").exists()
