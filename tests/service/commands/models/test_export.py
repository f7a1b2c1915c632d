"""`sketchseek export`, `blend`, `join`, `looks` and `whiten` as users run them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from model import Encoder
from model.card import SHIPPED
from tests.kit.service.commands import refused, sketchseek
from tests.kit.shapes import THINGS, drawing, picture


@pytest.mark.slow
def test_export_makes_the_graph_anew(tmp_path: Path, encoder: Encoder) -> None:
    pytest.importorskip("torch", reason="the graph is made of torch weights (extra: train)")
    copy = Path(shutil.copytree(SHIPPED / "lite", tmp_path / "copy"))
    for name in ("image.xml", "image.bin"):
        (copy / name).write_bytes(b"")
    done = sketchseek("export", copy)
    assert done.returncode == 0, done.stderr
    assert encoder.fingerprint in done.stdout
    pictures = [picture(thing) for thing in THINGS]
    made = Encoder.load(copy, engine="openvino")
    assert (made.photos(pictures) * encoder.photos(pictures)).sum(axis=1).min() > 0.9999
    assert made.card.figures == encoder.card.figures
    # New graphs have names of their own, so that a crash would have left the old ones; those are gone by now.
    kept = {path.name for path in (SHIPPED / "lite").iterdir()} - {"image.xml", "image.bin"}
    assert {path.name for path in copy.iterdir()} == kept | {"image-2.xml", "image-2.bin"}
    refused(sketchseek("export", tmp_path), "card.json: cannot be read")


@pytest.mark.slow
def test_the_mean_of_a_model_and_itself_is_that_model(tmp_path: Path, encoder: Encoder) -> None:
    pytest.importorskip("torch", reason="the graph is made of torch weights (extra: train)")
    done = sketchseek("blend", "lite", SHIPPED / "lite", "--out", tmp_path / "made", "--name", "twice")
    assert done.returncode == 0, done.stderr
    made = Encoder.load(tmp_path / "made", engine="openvino")
    assert f"average of 2 models, fingerprint {made.fingerprint}" in done.stdout
    pictures = [picture(thing) for thing in THINGS]
    assert (made.photos(pictures) * encoder.photos(pictures)).sum(axis=1).min() > 0.9999
    assert made.card.name == "twice"
    refused(sketchseek("blend", "lite", "--out", tmp_path / "one"), "at least two models")
    refused(sketchseek("blend", "lite", "lite", "--out", tmp_path / "made"), "is not empty")


@pytest.mark.slow
def test_a_model_beside_itself_says_what_it_says(tmp_path: Path, encoder: Encoder) -> None:
    for package in ("torch", "timm"):
        pytest.importorskip(package, reason="the graph is made of torch weights (extra: train)")
    data, pictures = tmp_path / "data", [picture(thing) for thing in THINGS]
    learned_from(data, pictures)
    done = sketchseek("join", "lite", SHIPPED / "lite", data, "--out", tmp_path / "made", "--name", "twice")
    assert done.returncode == 0, done.stderr
    made = Encoder.load(tmp_path / "made", engine="openvino")
    assert f"2 models side by side, fingerprint {made.fingerprint}" in done.stdout
    assert (made.card.name, made.dimension) == ("twice", encoder.dimension)
    # Of other pictures it would know as much only as these few have in common with them.
    found, alone = (each.unstripped.photos(pictures) for each in (made, encoder))
    assert found @ found.T == pytest.approx(alone @ alone.T, abs=0.01)
    refused(sketchseek("join", "lite", data, "--out", tmp_path / "one"), "at least two models")
    refused(sketchseek("join", "lite", "lite", data, "--out", tmp_path / "made"), "is not empty")


def learned_from(data: Path, photos: Sequence[Image.Image]) -> None:
    for thing, photo in zip(THINGS, photos, strict=True):
        for modality, image in (("photos", photo), ("sketches", drawing(thing))):
            path = data / modality / thing / "1.png"
            path.parent.mkdir(parents=True)
            image.save(path)


def test_whitening_makes_another_model(tmp_path: Path, encoder: Encoder) -> None:
    data, out = tmp_path / "data", tmp_path / "made"
    learned_from(data, [picture(thing) for thing in THINGS])
    done = sketchseek("whiten", "lite", data, "--out", out, "--name", "white")
    assert done.returncode == 0, done.stderr
    made = Encoder.load(out, engine="openvino")
    assert done.stdout == f"{out}: queries whitened, fingerprint {made.fingerprint}\n"
    assert (made.card.name, made.fingerprint != encoder.fingerprint) == ("white", True)
    assert made.bank is not None
    refused(sketchseek("whiten", "lite", data, "--out", out), "is not empty")
    refused(sketchseek("whiten", "lite", tmp_path, "--out", tmp_path / "other"), str(tmp_path))


def test_more_looks_make_another_model(tmp_path: Path, encoder: Encoder) -> None:
    out = tmp_path / "twice"
    done = sketchseek("looks", "lite", "--out", out)
    assert done.returncode == 0, done.stderr
    made = Encoder.load(out, engine="openvino")
    assert done.stdout == f"{out}: 2 looks at each picture, fingerprint {made.fingerprint}\n"
    assert made.card.name == "lite-mirrored"
    refused(sketchseek("looks", "lite", "--out", out), "is not empty")


def test_a_model_where_none_can_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "model"):
        refused(sketchseek("looks", "lite", "--out", place), f"{place}: cannot be made (Not a directory)")
    assert file.read_text() == "mine"
