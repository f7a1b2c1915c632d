"""Every part of the card's benchmark runs: here on the CPU, small. Its figures are nobody's business."""

import gc
import re
from pathlib import Path

import pytest

from bench.gpu.command import PARTS, main
from service.settings import Settings
from tests.kit.faiss_gpu import Card

SAID = {
    "towers": ("of the matrix limit", "host to host"),
    "search": ("recall@10 against float32 products, 32 queries: 1.0000", "limit: 1.5 x"),
    "cagra": ("torch, exact: recall@10 1.0000", "FAISS flat: recall@10", "FAISS cagra: recall@10"),
    "ivf": ("torch, exact: recall@10 1.0000", "FAISS ivf: recall@10"),
    "serve": ("openvino on cpu, index on cpu", "4 clients:", "in the service, ms: decode"),
    "index": (
        "decode and shrink by cpu",
        "24 photos to an index by openvino",
        "6 photos to an index",
    ),
    "train": ("lite, batch     4", "masbir-b32, batch     2", "min of GPU time"),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs_and_prints_its_conditions(
    part: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Card().install(monkeypatch)
    main([part, "--device", "cpu", "--small"])
    gc.collect()
    said = capsys.readouterr().out
    for words in ("these figures are meaningless", "TB/s (read and written)", *SAID[part]):
        assert words in said


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["everything", "--device", "cpu", "--small"])
    assert "choose from towers, search" in capsys.readouterr().err


def test_the_page_of_cards_names_only_parts_and_settings_that_exist() -> None:
    text = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text("utf-8")
    assert {*re.findall(r"bench gpu ([a-z]+)`", text)} == {*PARTS}
    settings = {name.upper() for name in Settings.model_fields}
    assert {*re.findall(r"SKETCHSEEK_([A-Z_]+)", text)} <= settings
