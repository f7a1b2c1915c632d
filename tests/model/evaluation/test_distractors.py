"""Photos of other things: which ones, in which order, and what they do to each task."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.data.benchmarks import open_dataset
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.errors import NoTextTower
from model.evaluation.baselines import MEAN, STRIPPED, compared, mean_stripped
from model.evaluation.distractors import Source, counts_of, embed_distractors, find, in_order
from model.evaluation.embedding import Embedded
from model.evaluation.ranking import inner_product
from model.evaluation.tasks import TASKS, Questions, evaluate
from model.modality import unit

Vectors = NDArray[np.float32]


class Sizes:
    """Anything that opens has a vector."""

    def sketches(self, images: Sequence[Image.Image]) -> Vectors:
        return self.photos(images)

    def photos(self, images: Sequence[Image.Image]) -> Vectors:
        return unit(np.array([[*image.size, 1] for image in images], dtype=np.float32))

    def texts(self, texts: Sequence[str]) -> Vectors:
        raise NoTextTower("no words")


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (5, 7), "red").save(path)
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Three sets: `main` with drawings, `more` with one of its classes in another spelling, `other`."""
    lines = ["set,modality,class,label,path,pair_id,note"]
    for name, modality, label in (
        ("main", "sketch", "wine bottle"),
        ("main", "photo", "wine bottle"),
        ("main", "photo", "cat"),
        ("more", "photo", "Wine_Bottles"),
        ("more", "photo", "The Winebottle"),
        ("more", "photo", "dog"),
        ("other", "photo", "ship"),
        ("other", "sketch", "ship"),
    ):
        path = picture(tmp_path / "images" / name / modality / f"{label}.png")
        lines.append(f"{name},{modality},{label},,{path.relative_to(tmp_path / 'images')},,")
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "list.csv"


def source(manifest: Path, *sets: str, asked: Sequence[str] = ("wine bottle",)) -> Source:
    root = manifest.parent / "images"
    return Source(manifest, root, open_dataset(manifest, root, sets or None), asked)


def names(found: Sequence[Record]) -> set[str]:
    return {record.path.stem for record in found}


def test_a_set_gives_its_photos_of_other_classes_in_any_spelling(manifest: Path) -> None:
    main = source(manifest, "main")
    assert names(find(["more"], main)) == {"Wine_Bottles", "dog"}
    assert names(find(["other"], main)) == {"ship"}
    assert names(find(["rest"], main)) == {"cat", "Wine_Bottles", "dog", "ship"}
    assert names(find(["other", "more", "other"], main)) == {"Wine_Bottles", "dog", "ship"}


def test_a_folder_gives_every_picture_except_those_that_are_right(manifest: Path) -> None:
    other = picture(manifest.parent / "pictures" / "deep" / "holiday.png").parents[1]
    (other / "notes.txt").write_text("no picture")
    assert names(find([str(other)], source(manifest, "main"))) == {"holiday"}
    # Without labels, "The Winebottle" of another set counts as another thing; what the data asks for does not.
    images = str(manifest.parent / "images")
    assert names(find([images], source(manifest, "main"))) == {
        "cat",
        "Wine_Bottles",
        "The Winebottle",
        "dog",
        "ship",
    }
    known = {"cat", "Wine_Bottles", "dog", "ship"}
    assert names(find([images], source(manifest))) == known
    assert names(find([images, "rest"], source(manifest, "main"))) == known


def test_a_set_goes_before_a_folder_of_that_name(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(manifest.parent)
    for name in ("other", "rest"):
        picture(manifest.parent / name / f"in folder {name}.png")
    main = source(manifest, "main")
    assert names(find(["other"], main)) == {"ship"}
    assert names(find(["./other", "./rest"], main)) == {"in folder other", "in folder rest"}
    assert len(find(["rest"], main)) == 4


def test_another_manifest(manifest: Path, tmp_path: Path) -> None:
    for name in "abc":
        picture(tmp_path / "second" / f"{name}.png")
    (tmp_path / "second" / "list.csv").write_text(
        "set,modality,class,label,path,pair_id,note\n"
        "s,photo,owl,,a.png,,\ns,photo,wine-bottle,,b.png,,\n"
        # One picture of both: it is right, too.
        "s,photo,table,,c.png,,\ns,photo,wine-bottle,,c.png,,\n"
    )
    assert names(find([str(tmp_path / "second" / "list.csv")], source(manifest))) == {"a"}


def test_what_is_not_there_says_what_is(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"distractors ships: neither a set .* sets are main, more, other"):
        find(["ships"], source(manifest))
    with pytest.raises(DataProblem, match="distractors other: no photos of other classes there"):
        find(["other"], source(manifest, asked=("ship",)))
    folder = source(manifest)
    picture(tmp_path / "world" / "photos" / "owl" / "a.png")
    with pytest.raises(DataProblem, match="nor a folder; or write rest"):
        find(["ships"], Source(tmp_path / "world", None, folder.evaluated, ["owl"]))


def test_the_first_of_few_are_the_first_of_many_wherever_they_lie() -> None:
    def records(root: str, numbers: Sequence[int]) -> list[Record]:
        return [Record(Path(root, "a", f"{number}.jpg"), PHOTO, "x") for number in numbers]

    order = [record.path.name for record in in_order(records("here", range(50)))]
    assert order == [record.path.name for record in in_order(records("/there", range(49, -1, -1)))]
    assert order != [f"{number}.jpg" for number in range(50)]
    fewer = [record.path.name for record in in_order(records("here", range(0, 50, 2)))]
    assert fewer == [name for name in order if name in fewer]


def test_counts() -> None:
    assert counts_of(None, 14_000) == (0, 1000, 14_000)
    assert counts_of(None, 1000) == (0, 1000)
    assert counts_of(None, 30) == (0, 30)
    assert counts_of("all, 5,0,5", 30) == (0, 5, 30)
    with pytest.raises(DataProblem, match=r"counts 31: there are only 30 .* at most 30, or all"):
        counts_of("0,31", 30)
    with pytest.raises(DataProblem, match="'many' is no number; write 0,1000,all"):
        counts_of("many", 30)
    with pytest.raises(DataProblem, match="is empty"):
        counts_of(",", 30)


def test_unreadable_ones_are_replaced_by_the_next_and_remarked(tmp_path: Path) -> None:
    records = [Record(picture(tmp_path / f"{n}.png"), PHOTO, "", set="folder") for n in range(6)]
    for number in (0, 2, 4):
        records[number].path.write_bytes(b"no picture")
    found = embed_distractors(Sizes(), records, 2)
    assert [record.path.stem for record in found.data.records] == ["1", "3"]
    assert found.remarks[0].startswith("photos of other classes: the first 2 of 6, ")
    assert found.remarks[0].endswith(": 2 of folder")
    assert found.remarks[1].startswith(f"2 images left out; the first is {tmp_path / '0.png'}: ")
    assert len(embed_distractors(Sizes(), records, 6).data) == 3
    with pytest.raises(DataProblem, match="none of the 1 distractors can be read"):
        embed_distractors(Sizes(), records[:1], 1)


@pytest.fixture
def toys() -> Embedded:
    """Four classes, of which two are asked for, some way from others in 16 dimensions; every photo is drawn once."""
    rng = np.random.default_rng(5)
    records, vectors = [], []
    for axis, label in enumerate(("cat", "dog", "owl", "pig")):
        for number in range(6):
            base = 1.5 * np.eye(16)[axis] + 0.6 * rng.standard_normal(16)
            for modality in (PHOTO, SKETCH):
                pair = f"{label}{number}"
                records.append(Record(Path(f"{modality}/{label}/{number}"), modality, label, pair, "toys"))
                vectors.append(base + 0.3 * rng.standard_normal(16))
    texts = {
        label: np.eye(16, dtype=np.float32)[axis] for axis, label in enumerate(("cat", "dog", "owl", "pig"))
    }
    return with_others(Embedded(Dataset("toys", tuple(records)), unit(np.array(vectors, np.float32)), texts))


def with_others(toys: Embedded) -> Embedded:
    others = unit(np.random.default_rng(6).standard_normal((200, 16)).astype(np.float32))
    data = Dataset("others", tuple(Record(Path(f"far/{n}"), PHOTO, "", set="far") for n in range(200)))
    return replace(toys, distractors=Embedded(data, others, remarks=("200 of far",)))


def test_every_task_among_others(toys: Embedded) -> None:
    report = evaluate(toys, ["cat", "dog"], model="m", counts=(0, 50, 200, 300))
    assert report.distractors == {"far": 200}
    assert "200 of far" in report.remarks
    assert [(row.task, row.distractors) for row in report.library] == [
        (task, count) for task in TASKS for count in (0, 50, 200)
    ]
    questions = Questions(toys, ["cat", "dog"], 0.5)
    for row in report.library:
        small = TASKS[row.task](questions)
        assert row.gallery == len(small.gallery) + row.distractors
        # By hand: the share of queries with no other photo above their best right one.
        vectors = np.concatenate([small.gallery, toys.distractors.vectors[: row.distractors]])  # type: ignore[union-attr]
        scores = small.queries @ vectors.T
        if small.itself is not None:
            scores[np.arange(len(scores)), small.itself] = -9
        wanted, shown = small.own or (small.classes, small.shown)
        right = np.array([*shown, *["none"] * row.distractors])[scores.argmax(axis=1)] == wanted
        assert row.figures["first_hit"] == pytest.approx(right.mean())
        low, high = row.intervals["first_hit"]
        assert low <= row.figures["first_hit"] <= high
    firsts = [row.figures["mAP@all"] for row in report.library if row.task == "zero-shot"]
    assert firsts[0] > firsts[1] > firsts[2]
    assert firsts[0] == report.row("zero-shot").figures["mAP@all"]


def test_equal_scores_do_not_flatter(toys: Embedded) -> None:
    same = replace(toys, vectors=np.ones_like(toys.vectors))
    assert same.distractors is not None
    same = replace(same, distractors=replace(same.distractors, vectors=np.ones((200, 16), np.float32)))
    row = evaluate(same, model="m", tasks=["zero-shot"], counts=(200,)).library[0]
    assert (row.figures["first_hit"], row.figures["hit@10"]) == (0, 0)


def test_photos_that_are_in_the_gallery_anyway_are_not_added_twice(toys: Embedded) -> None:
    pigs = Embedded(
        Dataset("pigs", (Record(Path("photo/pig/0"), PHOTO, "pig", set="toys"),)), toys.vectors[:1]
    )
    report = evaluate(replace(toys, distractors=pigs), ["cat", "dog"], model="m", counts=(0, 1))
    assert {row.task for row in report.library} == {*TASKS} - {"generalised"}
    assert any(remark.startswith("generalised: its gallery holds") for remark in report.remarks)


def test_one_class_is_remarked_and_a_query_alone_has_no_interval(toys: Embedded) -> None:
    report = evaluate(toys, ["cat"], model="m", tasks=["zero-shot", "text-to-photo"], counts=(50,))
    assert report.remarks[-1].startswith("there is only one class")
    assert [bool(row.intervals) for row in report.library] == [True, False]
    value = f"{report.library[1].figures['mAP@200']:.3f}".removeprefix("0")
    assert f"| text-to-photo | 50 | 1 | 56 | {value} |" in report.markdown()


def test_baselines_change_the_others_alike_and_stand_below_one_another(toys: Embedded) -> None:
    mean = mean_stripped(toys)
    assert toys.distractors is not None
    assert mean.distractors is not None
    photos = toys.vectors[[record.modality == PHOTO for record in toys.data.records]]
    expected = unit(toys.distractors.vectors - photos.mean(axis=0))
    assert np.allclose(mean.distractors.vectors, expected, atol=1e-6)
    tasks = ("zero-shot", "photo-to-photo")
    each = {
        name: evaluate(vectors, model="m", tasks=tasks, counts=(0, 200), ranker=inner_product)
        for name, vectors in {STRIPPED: toys, MEAN: mean}.items()
    }
    report = compared(each)
    assert [(row.task, row.distractors, row.vectors) for row in report.library] == [
        (task, count, name) for task in tasks for count in (0, 200) for name in (STRIPPED, MEAN)
    ]
    assert f"| zero-shot | {STRIPPED} | 200 | 24 | 224 | ." in report.markdown()
