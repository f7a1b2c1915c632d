"""A comparison small enough for a test: towers with random weights, and toys of eight labels in a manifest."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from model.comparison import command, training
from tests.kit.training import one_thread, tiny_manifest, tiny_network

# Two each of the four figures: a label is a name, and equal figures make no difference to a test.
LABELS = ("ball", "box", "cross", "stairs", "ball two", "box two", "cross two", "stairs two")
UNSEEN = ("ball", "cross")

Compare = Callable[..., Result]


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="package")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with manifest, splits and recipe."""
    folder = tmp_path_factory.mktemp("toys")
    tiny_manifest(folder, labels=LABELS)
    tiny_manifest(folder, labels=["shoe"], name="shoes", count=6)
    (folder / "splits.json").write_text(json.dumps({"validation_unseen": UNSEEN}))
    recipe = json.loads((Path(command.__file__).parents[1] / "training/recipes/lite-base.json").read_text())
    recipe |= {
        "architecture": "tf_efficientnet_lite0", "dimension": 8, "size": 32, "batch": 8, "average": 0.0
    }  # fmt: skip
    (folder / "small.json").write_text(json.dumps(recipe))
    return folder


@pytest.fixture
def compare(toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """Run the command on the toys, in one thread, with towers of random weights."""
    monkeypatch.setattr(command, "build", tiny_network)
    monkeypatch.setattr(training, "build", tiny_network)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)

    def compared(
        *arguments: object,
        out: Path = tmp_path / "out",
        steps: int = 2,
        recipe: Path = toys / "small.json",
        data: Path = toys / "manifest.csv",
    ) -> Result:
        shared = ("--splits", toys / "splits.json", "--recipe", recipe, "--out", out)
        words = [str(word) for word in (data, *arguments, *shared, "--steps", steps)]
        return CliRunner().invoke(command.command, words, catch_exceptions=False)

    return compared
