"""Twins side by side: the manifest that they learn from, one table, what each adds, and figures that are kept."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bench import twins
from model.card import SHIPPED
from model.comparison.material import held_out
from model.data.datasets import read_manifest
from tests.kit.shapes import THINGS


@pytest.fixture
def arguments(options: list[str], tmp_path: Path) -> list[str]:
    demo = ["--demo", str(tmp_path / "demo"), "--demo-set", "a", "--scenes", str(tmp_path / "scenes")]
    return [*options, "--splits", str(tmp_path / "splits.json"), "--set", "a", "--pairs", "a", *demo]


def runs(folder: Path) -> list[str]:
    """Two runs that ended in the same model."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "model").symlink_to(SHIPPED / "lite")
    return [str(folder / name / "model") for name in ("one", "two")]


def rows(told: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in told.splitlines() if "|" in line
    ]


def test_they_learn_from_neither_unseen_labels_nor_a_third_of_the_pairs(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twins.main([*arguments, "--write", str(tmp_path / "twins.csv")])
    whole, kept = (read_manifest(tmp_path / name, tmp_path / "world") for name in ("list.csv", "twins.csv"))
    left = {one.path for one in whole.records} - {one.path for one in kept.records}
    assert left == {
        one.path
        for one in whole.records
        if one.label in ("fish", "star") or (one.set == "a" and held_out(one))
    }
    assert any(one.label not in ("fish", "star") for one in whole.records if one.path in left)
    assert capsys.readouterr().out.startswith(f"{len(kept)} pictures")


def test_one_table_of_all_galleries_and_what_the_second_adds(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = runs(tmp_path)
    twins.main([*arguments, "--json", str(tmp_path / "means.json"), *models])
    told = capsys.readouterr().out
    head, _, one, two, *added = rows(told)
    means = json.loads((tmp_path / "means.json").read_text())
    assert [*means["one"]] == head[1:]
    assert means["two"]["large first_hit"].keys() == {"plain", "collection"}
    assert means["two"]["own hit@5"].keys() == {"plain"}
    assert f"{means['two']['large first_hit']['collection']:.3f}".lstrip("0") == two[3].rpartition(" ")[2]
    assert [head[0], one[0], two[0]] == ["model", "one", "two"]
    assert [each.split()[0] for each in head[1:]] == [
        "small", "small", "large", "large", "words", "scenes", "scenes", "doodles", "doodles", "own", "own",
    ]  # fmt: skip
    assert one[1:] == two[1:]
    assert all(
        len(cell.split(" / ")) == (1 if name.startswith("own") else 2)
        for name, cell in zip(head[1:], one[1:], strict=True)
    )
    assert added[0] == head
    assert added[2] == ["two", *["+0.000 [+0.000, +0.000]"] * (len(head) - 1)]
    # Kept beside the run, not measured again.
    for path in (tmp_path / "world").glob("*/*/*"):
        path.write_bytes(b"no picture")
    twins.main([*arguments, *models])
    assert rows(capsys.readouterr().out) == rows(told)


def test_doodles_are_of_labels_that_the_twins_never_saw(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twins.main([*arguments, "--write", str(tmp_path / "twins.csv")])
    with (tmp_path / "twins.csv").open(newline="") as file:
        known = {row["label"] for row in csv.DictReader(file) if row["modality"] == "sketch"}
    models = runs(tmp_path)
    twins.main([*arguments, "--trained", str(tmp_path / "twins.csv"), models[0]])
    assert "doodles" in capsys.readouterr().out
    with np.load(tmp_path / "one" / "model.twin.npz") as kept:
        assert set(kept["doodles"]) == set(THINGS) - known
