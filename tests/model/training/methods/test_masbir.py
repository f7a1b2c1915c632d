"""MA-SBIR trains as it did in 0.1: losses and weights of each shipped recipe, small, against what 0.1 computed."""

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import open_clip
import PIL
import pytest
import timm
import torch

from model.training.network import Network, build
from model.training.recipe import read_recipe
from model.training.run import Run, Settings
from tests.kit.training import tiny_clip, tiny_data, tiny_network, tiny_objective, with_pairs

KNOWN = json.loads(Path(__file__).with_name("masbir_0_1.json").read_text())
_LITE = {
    "architecture": "tf_efficientnet_lite0",
    "dimension": 8,
    "size": 32,
    "batch": 8,
    "steps": 4,
    "views": 2,
}
SMALL: Mapping[str, Mapping[str, object]] = {
    "lite": _LITE,
    "lite-pairs": _LITE | {"instances": 2},
    "lite-instances": _LITE | {"instances": 3},
    "masbir-b32": {"pretrained": None, "dimension": 16, "size": 32, "batch": 8, "steps": 4, "epochs": None},
}


def machine() -> dict[str, str]:
    """What decides the last bits of a figure; the number of threads is that of all these tests: one."""
    versions = {package.__name__: package.__version__ for package in (torch, np, PIL, timm, open_clip)}
    features = hashlib.sha256(_processor().encode()).hexdigest()[:16]
    return versions | {"instructions": torch.backends.cpu.get_cpu_capability(), "processor": features}


def _processor() -> str:
    """Model and instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(
        next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags")
    )


@pytest.mark.parametrize("name", SMALL)
def test_losses_and_weights_are_those_of_0_1(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In bf16, as they were recorded; a CPU that only imitates it would use float32.
    monkeypatch.setattr("model.training.learners.base._has_half", lambda: True)
    known = KNOWN["runs"][name]
    run = _run(name, tmp_path)
    start = _digest(run.network)
    history = run.go().history
    _compare(known["history"], history)
    if machine() == KNOWN["made on"]:
        found = {"start": start, "learner": _digest(run.network), "average": _digest(run.average)}
        assert found == {part: known[part] for part in found}
        assert list(history) == known["history"]


@pytest.mark.parametrize("name", SMALL)
def test_a_shipped_recipe_is_the_one_that_0_1_knew(name: str) -> None:
    assert read_recipe(name).digest_of_0_1 == KNOWN["runs"][name]["digest of the shipped recipe"]


def _run(name: str, folder: Path) -> Run:
    clip = {"architecture": tiny_clip()} if name == "masbir-b32" else {}
    recipe = read_recipe(name, **SMALL[name], **clip)
    torch.manual_seed(3)
    network = build(recipe, random_weights=True) if clip else tiny_network(recipe, half=True)
    data = with_pairs(tiny_data(folder / "data"))
    objective = tiny_objective(recipe, data, network, None if clip else folder / "seen.f16")
    return Run(objective, None, Settings(folder / "run", report_every=1, say=lambda _: None), "some data")


def _compare(known: list[dict[str, float]], found: tuple[dict[str, float], ...]) -> None:
    """Close, on any machine: another rounds otherwise, and each step adds to that."""
    assert [row.keys() for row in found] == [row.keys() for row in known]
    for row, expected in zip(found, known, strict=True):
        # Small parts of the loss come from the same rounded vectors as large ones.
        near = pytest.approx(expected, rel=0.02 * expected["step"], abs=0.002 * expected["step"])
        assert row == near, expected["step"]


def _digest(network: Network) -> str:
    """Of all weights, under the names that they had in 0.1."""
    tensors = {name.partition(".")[2]: value for name, value in network.state_dict().items()}
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
