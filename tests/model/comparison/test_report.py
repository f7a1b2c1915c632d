"""A comparison's tables and picture, from cells that were never trained."""

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from model.comparison import figures, kinds
from model.comparison.meanings import COSTS, meaning
from model.comparison.picture import draw
from model.comparison.report import STAGES, lines, save
from model.comparison.rows import BEFORE, METHOD, RAW, Row
from model.comparison.vectors import AS_IS, MEANS_OFF

SHARES = (figures.SMALL, figures.LARGE, figures.OWN, figures.PAIRS, figures.TEXT, figures.TEXT_LARGE)
COLUMNS = (
    *(name for part in SHARES for name in part),
    *(f"mAP {kind}" for kind in (kinds.IN, kinds.NEAR, kinds.OUT)),
)


def cell(value: float, stages: tuple[str, ...] = (), columns: tuple[str, ...] = COLUMNS) -> dict[str, Any]:
    means = {"means": dict.fromkeys(columns, value)}
    few = {"means": dict.fromkeys(figures.SMALL, value), "of": MEANS_OFF}
    return {
        "vectors": {AS_IS: means, MEANS_OFF: means},
        "stages": dict.fromkeys(stages, few),
        "cost": None,
        "parameters": 10,
        "steps": 2,
        "rate": 1e-4,
        "bytes": 16,
        "needs": ["sketches and photos"],
        "title": "Siamese triplets",
    }


DONE = [
    (Row(RAW, BEFORE, "siamese", trained=False, title="The tower as it came"), [cell(0.5)]),
    (Row("zse", METHOD, "zse"), [cell(0.25, ("pairs, all",)), cell(1.0, ("pairs, all",))]),
]


def test_each_column_is_explained_where_it_stands(tmp_path: Path) -> None:
    text = save(DONE, ["toys"], tmp_path)
    content = json.loads((tmp_path / "comparison.json").read_text())
    for column in (*COLUMNS, *COSTS):
        assert f"- `{column}`: {meaning(column)}" in text
    assert content["columns"] == {column: meaning(column) for column in COLUMNS}
    less = save([(DONE[0][0], [cell(0.5, columns=tuple(figures.SMALL))])], ["toys"], tmp_path)
    assert "`pair@1`" not in less
    assert "- `hit@5`: " in less


def test_the_tower_before_training_is_no_method(tmp_path: Path) -> None:
    text = save(DONE, ["toys"], tmp_path)
    assert "| raw | The tower as it came | 2 | 0.0001 | 10 |  | 16 |  |" in text
    assert "| zse | Siamese triplets | 2 | 0.0001 | 10 |  | 16 | sketches and photos |" in text


def test_the_picture_names_all_kinds_of_rows_and_no_share_above_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    real = Figure.savefig

    def kept(self: Figure, *arguments: Any, **options: Any) -> None:
        drawn.append(self)
        real(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", kept)
    draw(lines(DONE), tmp_path / "comparison.png")
    [figure] = drawn
    [legend] = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {AS_IS, MEANS_OFF, STAGES}
    assert [axis.get_xlabel() for axis in figure.axes] == [
        "mAP, small gallery", "hit@5, small gallery", "hit@5, large gallery"
    ]  # fmt: skip
    assert all(axis.get_xlim()[0] >= -0.02 and axis.get_xlim()[1] <= 1.02 for axis in figure.axes)


def test_a_seed_measured_without_wordnet_stops_nothing(tmp_path: Path) -> None:
    text = save([(DONE[1][0], [cell(0.5), cell(0.5, columns=("mAP",))])], ["toys"], tmp_path)
    assert "| zse | as it is | .500 ± .000 |" in text
