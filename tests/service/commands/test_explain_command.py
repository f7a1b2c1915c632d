"""`sketchseek explain`: a picture of what matches, JSON, and helpful errors."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from model import Encoder
from service.cli import main
from tests.kit.jobs import shipped
from tests.kit.shapes import drawing, picture


@pytest.fixture(autouse=True)
def pair(tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """fish.png and fish.jpg in a folder, and the model with local parts."""
    drawing("fish").save(tmp_path / "fish.png")
    picture("fish", 1).save(tmp_path / "fish.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Encoder, "load", lambda *_, **__: encoder)
    return tmp_path


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["explain", *args])
    return result.exit_code, result.output


def test_it_says_what_matches_and_writes_a_picture_of_it(pair: Path) -> None:
    code, said = run("fish.png", "fish.jpg", "--out", "why.png")
    assert code == 0, said
    lines = said.splitlines()
    assert 1 <= len(lines) <= 8
    assert all("of the drawing -> " in line for line in lines)
    with Image.open(pair / "why.png") as shown:
        assert shown.width > 1000
        # The colour of the first part, on both sides.
        sides = [shown.crop(box).getcolors(2**24) for box in ((0, 0, 640, 680), (640, 0, 1370, 680))]
    assert all((0x2F, 0x6F, 0xED) in {colour for _, colour in side or []} for side in sides)


def test_json_is_as_the_service_answers(pair: Path) -> None:
    code, said = run("fish.png", "fish.jpg", "--json")
    found = json.loads(said)
    assert (code, found["model"]) == (0, "lite")
    assert sum(one["contribution"] for one in found["matches"]) == pytest.approx(found["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("gone.png", "fish.jpg"), "gone.png"),
        (("fish.png", "notes.txt"), "notes.txt"),
        (("blank.png", "fish.jpg"), "blank.png: the drawing is empty"),
        (("fish.png", "fish.jpg", "--out", "no/why.png"), "no/why.png: cannot write it"),
        (("fish.png", "fish.jpg", "--out", "why.jpg"), "name it why.png"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(pair: Path, args: tuple[str, ...], said: str) -> None:
    (pair / "notes.txt").write_text("no picture")
    Image.new("RGB", (300, 300), "white").save(pair / "blank.png")
    code, output = run(*args)
    assert code == 1
    assert said in output
    assert len(output.strip().splitlines()) == 1


def test_a_model_without_local_parts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = shipped()
    monkeypatch.setitem(vars(plain), "local", None)
    monkeypatch.setattr(Encoder, "load", lambda *_, **__: plain)
    code, said = run("fish.png", "fish.jpg")
    assert (code, "has no local parts" in said) == (1, True)
