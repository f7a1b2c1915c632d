"""`sketchseek evaluate --rank`: the same figures for the orders that a search offers."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from indexer import Published
from model import Encoder
from model.card import LOCAL, Checkpoint
from model.data.datasets import read_folder
from model.evaluation.baselines import RAW, STRIPPED, stripped
from model.evaluation.embedding import embed
from model.evaluation.local_parts import KeptParts, numbered
from model.evaluation.ranking import one_order
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import Questions, evaluate
from service.cli import main
from service.search.finding import searched
from service.search.query import Kind, Part, Query
from tests.kit.jobs import index_quickly, remembering
from tests.kit.pictures import encoded
from tests.kit.service.commands import sketchseek
from tests.kit.shapes import THINGS, drawing, picture, write_world


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
    embedded = embed(remembering(encoder), read_folder(world).subset(labels))
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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos and a drawing of each thing, in folders of their labels."""
    folder = tmp_path_factory.mktemp("world")
    for thing in THINGS:
        for kind in ("photos", "sketches"):
            (folder / kind / thing).mkdir(parents=True)
        drawing(thing).save(folder / "sketches" / thing / f"{thing}.png")
        for seed in range(8):
            picture(thing, seed, size=96).save(folder / "photos" / thing / f"{thing}{seed}.png")
    return folder


@pytest.mark.parametrize("rank", ["local", "all"])
def test_photos_are_in_the_order_of_a_search(
    encoder: Encoder, world: Path, tmp_path: Path, rank: str
) -> None:
    index_quickly(tmp_path / "index", world / "photos", encoder)
    encoder = remembering(encoder)
    opened = Published.open(tmp_path / "index", encoder.fingerprint)
    assert encoder.local is not None
    kept = KeptParts(encoder, encoder.local, tmp_path)
    data = read_folder(world)
    embedded, records = numbered(stripped(kept.taken(embed(kept, data)), encoder))
    question = Questions(embedded, None, 0.5).zero_shot()
    ranking = ranker_of(rank, encoder, kept)(question.gallery, question.made_of)(question.queries)
    places = np.argsort(-one_order(ranking), axis=1, kind="stable")
    for row, label in zip(places, question.classes, strict=True):
        shown = [records[int(number)].path.name for number in question.gallery[row, -1]]
        query = Query((Part(Kind.SKETCH, encoded(drawing(str(label)), "PNG"), 1.0),), rank=rank, k=40)
        answer = searched(query, encoder, opened)
        assert (answer.ranked_by, answer.remark) == (rank, None)
        assert shown[:10] == [Path(one.hit.photo.relative).name for one in answer.ranked[:10]]
    opened.close()


def test_parts_have_a_row_of_their_own(world: Path, tmp_path: Path) -> None:
    orders = [option for name in ("collection", "all") for option in ("--rank", name)]
    tasks = ("--tasks", "zero-shot,text-to-photo")
    done = sketchseek("evaluate", world, *tasks, *orders, "--compare", "raw", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "evaluation.json").read_text())
    rows = {(row["task"], row["vectors"]): row["figures"] for row in told["rows"]}
    names = [f"{STRIPPED}, {name}" for name in ("collection", "all")]
    assert [*rows] == [(task, name) for task in ("zero-shot", "text-to-photo") for name in (*names, RAW)]
    drawn, said = ([rows[task, name] for name in names] for task in ("zero-shot", "text-to-photo"))
    assert drawn[0] != drawn[1]
    assert said[0] == said[1]
    assert not any("compares no local parts" in remark for remark in told["remarks"])


def test_a_model_without_a_local_head_says_how_it_ranks(tmp_path: Path) -> None:
    folder = Checkpoint.find("lite").folder
    card = json.loads((folder / "card.json").read_text())
    headless = tmp_path / "headless"
    headless.mkdir()
    for path in folder.iterdir():
        if path.name != "card.json":
            (headless / path.name).symlink_to(path)
    card["weights"].pop(LOCAL)
    (headless / "card.json").write_text(json.dumps(card))
    for thing in ("fish", "star"):
        for kind, made in (("photos", picture(thing)), ("sketches", drawing(thing))):
            (tmp_path / "world" / kind / thing).mkdir(parents=True)
            made.save(tmp_path / "world" / kind / thing / "1.png")
    options = ("--model", headless, "--tasks", "zero-shot", "--rank", "collection", "--rank", "all")
    done = sketchseek("evaluate", tmp_path / "world", *options)
    assert done.returncode == 0, done.stderr
    assert (
        "stripped, all: model 'lite' compares no local parts, so photos are ordered as by --rank collection"
        in done.stdout
    )
