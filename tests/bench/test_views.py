"""Views for training: what is measured, on which processor, in one go."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from bench import views
from bench.timing import measure


def test_it_says_how_fast_views_are_drawn_and_read(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(views, "measure", partial(measure, seconds=0.0))
    small = {"architecture": "tf_efficientnet_lite0", "dimension": 8, "size": 32, "views": 2}
    recipe = tmp_path / "small.json"
    recipe.write_text(json.dumps({"name": "small", "like": "lite-rich", **small}))
    views.main([*options, "--recipe", str(recipe), "--pictures", "6"])
    told = capsys.readouterr().out
    assert re.search(r"cores, (no )?bf16, torch .*; small, 6 pictures, 2 views of each; load", told)
    rates = dict(re.findall(r"^(\S.*?) +(\d+) views/s$", told, re.MULTILINE))
    assert set(rates) == {
        "drawn, one thread",
        "frozen stages, OpenVINO",
        "frozen stages, torch float32",
        "frozen stages, torch bf16",
        "drawn, read, and written",
    }
    assert all(int(rate) > 0 for rate in rates.values())
