"""Weights that do not fit are told in a line, however many tensors differ."""

from pathlib import Path

import pytest
from torch import nn

from model.backbones import weights
from model.errors import BadWeights


def test_a_wrong_architecture_is_told_in_one_short_line() -> None:
    wanted = nn.Sequential(*(nn.Linear(2, 2) for _ in range(1000)))
    with pytest.raises(BadWeights) as told:
        weights.load(wanted, {"0.weight": wanted[1].weight}, Path("tower.safetensors"))
    said = str(told.value)
    assert said.startswith("tower.safetensors: not the weights of this architecture: Missing key(s)")
    assert said.endswith(" ...")
    assert "\n" not in said
    assert len(said) < 300
