"""The benchmark of millions of photos, with a few hundred: each stage leaves an index in which nothing is wrong."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.scale import stages
from bench.scale.library import ORIGIN
from bench.scale.watched import Watched, watch
from indexer import Published
from tests.kit.waiting import until


def test_all_stages_one_after_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = tmp_path / "index"
    stages.make(index, 600)
    stages.publish(index, 0)
    stages.change(index, 10)
    stages.publish(index, 0)
    stages.search(index, 0)
    stages.verify(index, 0)
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    # Ten gone, ten new; and thumbnails, of which there are none, are all that is missing.
    assert [one["photos"] for one in figures if "photos" in one] == [600, 600]
    assert figures[-1] == {"findings": 1, "of": ["damaged or missing"]}
    (folded,) = [one["folded"] for one in figures if "folded" in one]
    assert folded >= 10
    opened = Published.open(index, ORIGIN.fingerprint)
    assert sum(month.photos for month in opened.timeline()) == 600
    opened.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_watched_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that takes 50 MB in one of its steps, and keeps them until that was seen."""
    (tmp_path / "greedy.py").write_text(
        "from pathlib import Path\nprint('step few', flush=True)\nprint('step many', flush=True)\n"
        "taken = b'x' * 50_000_000\nprint('{\"bytes\": 50000000}', flush=True)\n"
        "while not Path('seen').exists(): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    found = Watched()
    with ThreadPoolExecutor() as others:
        ended = others.submit(watch, ["greedy"], 2**30, found)
        try:
            until(lambda: found.own > 45_000_000)
        finally:
            Path("seen").touch()
        ended.result()
    assert [step.name for step in found.steps] == ["starting", "few", "many"]
    assert found.figures == [{"bytes": 50_000_000}]
    assert found.own < 200_000_000
    assert found.resident >= found.own


@pytest.mark.skipif(sys.platform != "linux", reason="uses prlimit")
def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greedy.py").write_text("taken = bytearray(2**30)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="greedy failed with status 1"):
        watch(["greedy"], 2**29)
