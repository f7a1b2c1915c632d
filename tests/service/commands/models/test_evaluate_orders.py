"""`sketchseek evaluate --rank`: the same figures for the orders that a search offers."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from model import Encoder
from model.data.datasets import read_folder
from model.evaluation.baselines import RAW, STRIPPED
from model.evaluation.embedding import embed
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import evaluate
from service.cli import main
from tests.kit.service.commands import sketchseek
from tests.kit.shapes import write_world


def test_orders_stand_in_the_same_table(tmp_path: Path, encoder: Encoder) -> None:
    world, splits = write_world(tmp_path / "world"), tmp_path / "splits.json"
    splits.write_text(json.dumps({"some": ["fish", "star"]}))
    options = ("--splits", splits, "--unseen", "some", "--tasks", "zero-shot,text-to-photo")
    orders = ("--rank", "plain", "--rank", "collection", "--distractors", "rest", "--compare", "raw")
    done = sketchseek("evaluate", world, *options, *orders, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    names = (STRIPPED, f"{STRIPPED}, collection", RAW)
    tasks = ("zero-shot", "text-to-photo")
    assert [(row["task"], row["vectors"]) for row in told["rows"]] == [
        (task, name) for task in tasks for name in names
    ]
    assert [(row["task"], row["distractors"], row["vectors"]) for row in told["library"]] == [
        (task, count, name) for task in tasks for count in (0, 9) for name in names
    ]
    labels = ["fish", "star"]
    embedded = embed(encoder, read_folder(world).subset(labels))
    for name, vectors in (("plain", names[0]), ("collection", names[1])):
        report = evaluate(embedded, labels, model="lite", ranker=ranker_of(name, encoder))
        for task in tasks:
            row = next(row for row in told["rows"] if (row["task"], row["vectors"]) == (task, vectors))
            assert row["figures"] == pytest.approx(report.row(task).figures)
    done = sketchseek("evaluate", world, *options, "--rank", "collection")
    assert done.returncode == 0, done.stderr
    assert "| zero-shot | stripped, collection | 4 | 6 | " in done.stdout


def test_an_order_that_does_not_exist(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(tmp_path), "--rank", "magic"])
    assert done.exit_code == 2
    assert "'magic' is not one of 'plain', 'collection'" in done.output
