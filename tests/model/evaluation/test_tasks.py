"""From picture files to a report: classes are colours, and the encoder really looks at the pixels."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED, DataProblem, Dataset, Record
from model.data.loading import load_image
from model.errors import BadImage, EmptyDrawing, NoTextTower
from model.evaluation.embedding import Embedded, embed
from model.evaluation.tasks import TASKS, Questions, evaluate
from model.modality import Modality

COLOURS = ("red", "lime", "blue", "yellow", "magenta")
UNSEEN = ("red", "Lime")
Vectors = NDArray[np.float32]


class Colours:
    """Mean colour as a unit vector; a sheet that is all white has no colour to speak of."""

    def __init__(self, *, words: bool = True) -> None:
        self.words = words

    def sketches(self, images: Sequence[Image.Image]) -> Vectors:
        if any(np.asarray(image.convert("RGB")).min() == 255 for image in images):
            raise EmptyDrawing("there is no line in it")
        return self.photos(images)

    def photos(self, images: Sequence[Image.Image]) -> Vectors:
        means = [np.asarray(image.convert("RGB"), dtype=np.float32).mean(axis=(0, 1)) for image in images]
        return self._unit(np.array(means))

    def texts(self, texts: Sequence[str]) -> Vectors:
        if not self.words:
            raise NoTextTower("no words")
        return self._unit(np.array([ImageColor.getrgb(text) for text in texts]))

    def _unit(self, values: NDArray[np.floating]) -> Vectors:
        scaled: Vectors = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
        return scaled


def picture(path: Path, colour: tuple[int, ...]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 6), colour).save(path)
    return path


@pytest.fixture
def world(tmp_path: Path) -> Dataset:
    """Four sketches and three photos of each colour, each a shade of its own; two of the photos are drawn."""
    rng = np.random.default_rng(0)
    records = []
    for label in COLOURS:
        base = np.array(ImageColor.getrgb(label))
        for modality, count in ((SKETCH, 4), (PHOTO, 3)):
            for number in range(count):
                shade = tuple(np.clip(base + rng.integers(-40, 40, 3), 0, 254).tolist())
                path = picture(tmp_path / modality / label / f"{number}.png", shade)
                pair = f"{label}{number % 2}" if modality == SKETCH or number < 2 else None
                records.append(Record(path, modality, label, pair, "toys"))
    return Dataset("colours", tuple(records))


def test_every_task_on_pictures_it_can_tell_apart(world: Dataset) -> None:
    steps: list[tuple[int, int]] = []
    embedded = embed(Colours(), world, progress=lambda done, of: steps.append((done, of)))
    assert steps[-1] == (35, 35)
    report = evaluate(embedded, UNSEEN, model="colours")
    assert [row.task for row in report.rows] == list(TASKS)
    assert {row.task: (row.queries, row.gallery) for row in report.rows} == {
        "zero-shot": (8, 6),
        "generalised": (8, 15),
        "fine-grained": (8, 4),
        "text-to-photo": (2, 6),
        "photo-to-photo": (6, 6),
        "sketch+text": (8, 6),
    }
    for task in ("zero-shot", "text-to-photo", "photo-to-photo", "sketch+text"):
        assert report.row(task).figures["mAP@all"] == 1
    assert report.row("fine-grained").figures["Acc@5 across"] == 1
    assert set(report.row("fine-grained").figures) == {
        f"Acc@{k} {where}" for k in (1, 5, 10) for where in ("within", "across")
    }
    assert report.unseen == ("lime", "red")
    assert report.by_label == {"lime": 1, "red": 1}
    assert not report.skipped


def test_the_vectors_alone_decide(world: Dataset) -> None:
    """A sketch that lies on another class's photo is wrong, whatever its picture shows."""
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((len(world), 8)).astype(np.float32)
    report = evaluate(Embedded(world, vectors), UNSEEN, model="chance")
    asked = [i for i, r in enumerate(world.records) if r.modality == SKETCH and r.label in ("red", "lime")]
    shown = [i for i, r in enumerate(world.records) if r.modality == PHOTO and r.label in ("red", "lime")]
    first = [
        world.records[max(shown, key=lambda i: float(vectors[i] @ vectors[query]))].label
        == world.records[query].label
        for query in asked
    ]
    assert report.row("zero-shot").figures["first_hit"] == pytest.approx(np.mean(first))
    assert report.row("zero-shot").figures["mAP@all"] < 1
    assert report.skipped == dict.fromkeys(("text-to-photo", "sketch+text"), "this model has no text tower")


def test_the_mix_moves_a_query_from_drawing_to_words(world: Dataset) -> None:
    embedded = embed(Colours(), world)
    swapped = Embedded(
        world, embedded.vectors, {"red": embedded.texts["lime"], "lime": embedded.texts["red"]}
    )
    figures = [
        evaluate(swapped, UNSEEN, model="m", tasks=["sketch+text"], mix=mix)
        .row("sketch+text")
        .figures["first_hit"]
        for mix in (0.1, 0.9)
    ]
    assert figures == [1, 0]


def test_a_mix_is_as_long_as_its_parts_agree(world: Dataset) -> None:
    """A second stage needs the length, to know how much each part counts in the scaled query."""
    embedded = embed(Colours(), world)
    asked = Questions(embedded, UNSEEN, 0.25).sketch_and_text()
    records = embedded.data.records
    drawn = [place for place, r in enumerate(records) if r.modality == SKETCH and r.label in ("red", "lime")]
    for query, place in zip(asked.queries, drawn, strict=True):
        parts = 0.75 * embedded.vectors[place] + 0.25 * embedded.texts[records[place].label]
        assert np.allclose(query, parts, atol=1e-6)
    assert asked.made_of == {Modality.SKETCH: 0.75, Modality.TEXT: 0.25}


def test_unrecognized_drawings_are_not_asked(world: Dataset) -> None:
    records = tuple(
        Record(r.path, r.modality, r.label, r.pair, r.set, UNRECOGNIZED if r.path.stem == "3" else "")
        for r in world.records
    )
    report = evaluate(embed(Colours(), Dataset("colours", records)), UNSEEN, model="colours")
    assert report.row("zero-shot").queries == 6
    assert "2 unrecognized drawings were left out" in report.remarks


def test_what_cannot_be_asked_says_why(world: Dataset) -> None:
    photos = embed(Colours(words=False), world.where(lambda r: r.modality == PHOTO))
    report = evaluate(photos, model="colours")
    assert [row.task for row in report.rows] == ["photo-to-photo"]
    assert report.skipped["zero-shot"] == "there are 0 queries and 15 photos"
    assert report.skipped["generalised"] == "there are no photos of seen classes"
    assert report.skipped["fine-grained"] == "no sketch has its own photo"
    assert report.skipped["text-to-photo"] == "this model has no text tower"
    assert "- zero-shot: skipped, there are 0 queries" in report.markdown()


def test_queries_without_a_right_photo_are_told(world: Dataset) -> None:
    data = world.where(lambda r: r.modality == SKETCH or r.label != "red")
    report = evaluate(embed(Colours(), data), [*UNSEEN, "unicorn"], model="colours")
    assert report.row("zero-shot").unanswerable == 4
    assert report.row("zero-shot").figures["mAP@all"] == 1
    assert report.by_label == {"lime": 1}
    assert "zero-shot: 4 queries have no matching photo" in report.remarks
    assert "1 of the 3 unseen classes are not in this data" in report.remarks
    with pytest.raises(DataProblem, match="none of the 1 requested labels"):
        evaluate(embed(Colours(), data), ["unicorn"], model="colours")


def test_the_report_as_json_and_markdown(world: Dataset, tmp_path: Path) -> None:
    report = evaluate(embed(Colours(), world), UNSEEN, model="colours 1")
    report.save(tmp_path / "report")
    told = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert told["model"] == "colours 1"
    assert told["rows"][0]["figures"]["mAP@all"] == 1
    text = (tmp_path / "report" / "evaluation.md").read_text()
    assert "## colours 1 on colours, 2 unseen classes" in text
    assert (
        "| task | queries | gallery | mAP@all | mAP@200 | P@100 | P@200 | first hit | hit@5 | P@10 |" in text
    )
    assert "| zero-shot | 8 | 6 | 1.000 | 1.000 |" in text
    for table in text.split("\n\n"):
        widths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
        assert len(widths) <= 1


def test_a_damaged_picture_is_left_out_and_named(world: Dataset, tmp_path: Path) -> None:
    many = Dataset("colours", tuple(r for _ in range(20) for r in world.records))
    broken = tmp_path / "broken.png"
    broken.write_bytes(world.records[0].path.read_bytes()[:40])
    blank = picture(tmp_path / "blank.png", (255, 255, 255))
    extra = (Record(broken, PHOTO, "red"), Record(blank, SKETCH, "red"))
    embedded = embed(Colours(), Dataset("colours", (*extra, *many.records)))
    assert len(embedded.data) == len(many)
    assert {record.path for record in extra}.isdisjoint(record.path for record in embedded.data.records)
    assert embedded.remarks[0].startswith(f"2 images left out; the first is {blank}: there is no line in it")
    # The others of the refused batch keep their own vectors.
    alone = embed(Colours(), world)
    for record, vector in zip(embedded.data.records, embedded.vectors, strict=True):
        place = alone.data.records.index(record)
        assert np.array_equal(vector, alone.vectors[place])


def test_too_many_damaged_pictures_stop_it(world: Dataset, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no photo")
    data = Dataset("colours", (*world.records, Record(broken, PHOTO, "red")))
    with pytest.raises(
        DataProblem, match=r"colours: 1 of 36 images are unusable; the first is .*broken\.jpg: "
    ):
        embed(Colours(), data)
    with pytest.raises(BadImage, match=r"gone\.png: there is no such file"):
        load_image(Record(tmp_path / "gone.png", PHOTO, "red"))


def test_vectors_must_match_their_records(world: Dataset) -> None:
    with pytest.raises(DataProblem, match="colours has 35 images, but 3 vectors"):
        Embedded(world, np.zeros((3, 2), dtype=np.float32))
