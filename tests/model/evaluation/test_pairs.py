"""Ranking pair by pair: the order of the scores, each picture read once, and how far a bounded depth goes."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, Dataset, Record
from model.evaluation.embedding import Embedded
from model.evaluation.local_parts import numbered
from model.evaluation.pairs import PHOTOS, PairRanker, PairScores, pairs_in
from model.evaluation.report import Evaluation
from model.evaluation.tasks import Questions, evaluate
from model.modality import unit

Pixels = NDArray[np.uint8]

LABELS = ("bell", "cup", "harp")
EACH = 30


class Counting:
    """A picture's only pixel is its number; a pair's score is one of a table."""

    def __init__(self, table: NDArray[np.float32]) -> None:
        self.table = table
        self.read: Counter[int] = Counter()
        self.drawn: Counter[int] = Counter()
        self.compared = 0
        self.largest = 0

    def sketch(self, pixels: Pixels) -> int:
        number = int(pixels.view(np.int32)[0, 0, 0])
        self.drawn[number] += 1
        return number

    def photos(self, pixels: Pixels) -> NDArray[np.int32]:
        numbers = pixels.view(np.int32).reshape(len(pixels), 1)
        self.read.update(map(int, numbers[:, 0]))
        self.largest = max(self.largest, len(pixels))
        return numbers

    def scores(self, sketch: int, photos: NDArray[np.int32]) -> NDArray[np.float32]:
        self.compared += len(photos)
        return self.table[sketch, photos[:, 0]]

    @property
    def functions(self) -> PairScores:
        return PairScores(self.sketch, self.photos, self.scores)


@pytest.fixture
def data() -> Dataset:
    """Two drawings and thirty photos of each label; each drawing was made from one of them."""
    records = []
    for label in LABELS:
        records += [Record(Path(f"{label}{n}.png"), SKETCH, label, f"{label}{n}", "toys") for n in range(2)]
        records += [Record(Path(f"{label}{n}.jpg"), PHOTO, label, f"{label}{n}", "toys") for n in range(EACH)]
    return Dataset("toys", tuple(records))


@pytest.fixture
def embedded(data: Dataset) -> Embedded:
    vectors = np.random.default_rng(0).standard_normal((len(data), 8)).astype(np.float32)
    words = dict.fromkeys(LABELS, vectors[0])
    others = tuple(Record(Path(f"other{n}.jpg"), PHOTO, "", set="holiday") for n in range(7))
    beside = Embedded(Dataset("distractors", others), unit(vectors[:7] + 1))
    return Embedded(data, unit(vectors), words, distractors=beside)


@pytest.fixture
def counting(embedded: Embedded) -> Counting:
    count = len(numbered(embedded)[1])
    return Counting(np.random.default_rng(1).standard_normal((count, count)).astype(np.float32))


@pytest.fixture
def ranked(embedded: Embedded, counting: Counting, tmp_path: Path) -> Callable[..., Evaluation]:
    vectors, records = numbered(embedded)
    number = {record: place for place, record in enumerate(records)}

    def prepare(record: Record) -> Pixels:
        return np.array([[[number[record]]]], dtype=np.int32).view(np.uint8)

    def run(*tasks: str, depth: int | None = None, counts: tuple[int, ...] = ()) -> Evaluation:
        rows = Path(tempfile.mkdtemp(dir=tmp_path))
        ranker = PairRanker(counting.functions, records, prepare, rows, depth=depth)
        return evaluate(vectors, model="counting", tasks=tasks, ranker=ranker, counts=counts)

    return run


def test_the_figures_are_those_of_the_scores(
    ranked: Callable[..., Evaluation], counting: Counting, data: Dataset
) -> None:
    # A table whose rows say nothing but whether a photo is the drawing's own, of its class, or of another.
    for row, drawn in enumerate(data.records):
        for column, shown in enumerate(data.records):
            counting.table[row, column] = (
                2.0 * (drawn.pair == shown.pair) + (drawn.label == shown.label) - 1.5
            )
    report = ranked("zero-shot", "fine-grained")
    assert report.row("zero-shot").figures["mAP@all"] == 1
    assert report.row("zero-shot").figures["P@100"] == 1
    fine = report.row("fine-grained").figures
    assert {name: fine[name] for name in ("Acc@1 across", "Acc@5 across", "Acc@10 within")} == {
        "Acc@1 across": 1,
        "Acc@5 across": 1,
        "Acc@10 within": 1,
    }
    counting.table *= -1
    assert ranked("zero-shot").row("zero-shot").figures["first_hit"] == 0


def test_each_photo_is_read_once_and_each_pair_compared_once(
    ranked: Callable[..., Evaluation], counting: Counting
) -> None:
    report = ranked("zero-shot", "fine-grained", counts=(0, 5))
    assert len(report.rows) == 2
    assert set(counting.read.values()) == {1}
    assert len(counting.read) == 3 * EACH + 5, "distractors are read, too"
    assert counting.largest <= PHOTOS
    assert counting.compared == 6 * (3 * EACH + 5)


def test_the_nearest_alone_are_compared_and_come_first(
    ranked: Callable[..., Evaluation], counting: Counting, embedded: Embedded, data: Dataset
) -> None:
    report = ranked("zero-shot", depth=10)
    assert counting.compared == 6 * 10
    photos = np.array([n for n, record in enumerate(data.records) if record.modality == PHOTO])
    hits = []
    for number, record in enumerate(data.records):
        if record.modality == SKETCH:
            order = photos[np.argsort(-(embedded.vectors[photos] @ embedded.vectors[number]), kind="stable")]
            first = order[:10][np.argmax(counting.table[number, order[:10]])]
            hits.append(data.records[first].label == record.label)
    assert report.row("zero-shot").figures["first_hit"] == pytest.approx(np.mean(hits))


def test_words_are_no_pair(embedded: Embedded, ranked: Callable[..., Evaluation]) -> None:
    skipped = ranked("zero-shot", "text-to-photo", "sketch+text").skipped
    assert skipped == dict.fromkeys(("text-to-photo", "sketch+text"), "only a drawing and a photo are a pair")


def test_the_cost_is_known_beforehand(embedded: Embedded) -> None:
    questions = Questions(embedded, None, 0.5)
    tasks = ("zero-shot", "fine-grained", "generalised")
    assert pairs_in(questions, tasks, 7, None) == 6 * (3 * EACH + 7)
    assert pairs_in(questions, tasks, 7, 10) == 2 * 6 * 10
