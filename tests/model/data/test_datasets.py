"""Folders and manifests as datasets, whole and broken."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from model.data.benchmarks import open_dataset
from model.data.datasets import (
    COLUMNS,
    PHOTO,
    SKETCH,
    Counts,
    DataProblem,
    Dataset,
    Record,
    read_folder,
    read_labels,
    read_manifest,
)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "white").save(path)
    return path


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    for label, photos, sketches in (("cat", 3, 2), ("hot-air_balloon", 2, 1), ("dog", 1, 0)):
        for number in range(photos):
            picture(tmp_path / "photos" / label / f"{number}.jpg")
        for number in range(sketches):
            picture(tmp_path / "sketches" / label / f"{number}.png")
    return tmp_path


def manifest(folder: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    return path


def row(path: str, modality: str = PHOTO, label: str = "cat", **more: str) -> dict[str, str]:
    return {
        "set": path.split("/")[0],
        "modality": modality,
        "class": label,
        "label": label,
        "path": path,
        **more,
    }


def test_a_folder_of_photos_and_sketches(collection: Path) -> None:
    data = read_folder(collection)
    assert data.labels == ("cat", "dog", "hot-air balloon")
    assert data.counts() == {
        "cat": Counts(sketches=2, photos=3),
        "dog": Counts(sketches=0, photos=1),
        "hot-air balloon": Counts(sketches=1, photos=2),
    }
    assert len(data) == 9
    assert all(record.path.is_file() for record in data.records)
    assert data == read_folder(collection) == open_dataset(collection)


def test_a_class_with_one_image_is_kept_and_remarked_on(collection: Path) -> None:
    data = read_folder(collection)
    assert [record.label for record in data.records].count("dog") == 1
    assert any("only one image: dog" in remark for remark in data.remarks)


def test_two_spellings_of_a_class_become_one(collection: Path) -> None:
    picture(collection / "photos" / "Hot_Air_Balloon" / "more.png")
    data = read_folder(collection)
    assert data.labels == ("cat", "dog", "hot air balloon")
    assert data.counts()["hot air balloon"] == Counts(sketches=1, photos=3)
    assert any("'hot air balloon', 'hot-air balloon' are the same class" in remark for remark in data.remarks)


def test_nested_folders_count_and_hidden_files_do_not(collection: Path) -> None:
    picture(collection / "photos" / "dog" / "puppies" / "young" / "a.webp")
    picture(collection / "photos" / "dog" / ".cache" / "thumb.jpg")
    picture(collection / "photos" / ".trash" / "b.jpg")
    (collection / "photos" / "dog" / "._a.jpg").write_bytes(b"")
    (collection / "photos" / "notes.txt").write_text("not a picture")
    assert read_folder(collection).counts()["dog"] == Counts(photos=2)


def test_a_collection_without_sketches_is_fine(collection: Path) -> None:
    (collection / "sketches").rename(collection / "elsewhere")
    assert not read_folder(collection).of(SKETCH)


def test_a_class_folder_without_photos_is_named(collection: Path) -> None:
    (collection / "photos" / "snail").mkdir()
    with pytest.raises(
        DataProblem, match=r"class 'snail': expected photos in .*photos/snail, found 0 images"
    ):
        read_folder(collection)


def test_a_class_with_sketches_but_no_photos_is_named(collection: Path) -> None:
    picture(collection / "sketches" / "snail" / "1.png")
    with pytest.raises(DataProblem, match=r"class 'snail' has 1 sketches but no photos: .*photos"):
        read_folder(collection)


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"in .*photos, but there is no such folder"):
        read_folder(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataProblem, match=r"one folder of photos per class in .*photos, found 0 images"):
        read_folder(tmp_path)
    with pytest.raises(DataProblem, match="but there is no folder or manifest"):
        open_dataset(tmp_path / "nowhere")
    (tmp_path / "photos").rmdir()
    with pytest.raises(DataProblem, match=r"holds none of manifest.csv.*found no usable images"):
        open_dataset(tmp_path)


def test_a_manifest_with_pairs_notes_and_sets(tmp_path: Path) -> None:
    rows = [
        row("shoes/photo/1.jpg", label="Shoe", pair_id="s1"),
        row("shoes/sketch/1.png", SKETCH, label="shoe", pair_id="s1"),
        row("draws/cat/1.png", SKETCH, note="unrecognized"),
        row("draws/cat/2.png", SKETCH, label="", **{"class": "The_Cat"}),
    ]
    for line in rows:
        picture(tmp_path / line["path"])
    rows[3]["label"] = ""
    data = open_dataset(manifest(tmp_path, rows))
    assert data.labels == ("shoe", "the cat")
    assert [record.pair for record in data.records] == ["s1", "s1", None, None]
    assert data.records[2].note == "unrecognized"
    assert data == open_dataset(tmp_path)
    assert {record.set for record in data.of_sets(["shoes"]).records} == {"shoes"}
    assert len(read_manifest(tmp_path / "manifest.csv", sets=["draws"])) == 2


def test_a_half_unpacked_set_is_named_with_both_counts(tmp_path: Path) -> None:
    rows = [row(f"zoo/cat/{number}.jpg") for number in range(4)] + [row("farm/cow/1.jpg", label="cow")]
    picture(tmp_path / "zoo/cat/0.jpg")
    picture(tmp_path / "zoo/cat/3.jpg")
    path = manifest(tmp_path, rows)
    with pytest.raises(
        DataProblem, match=r"expected 1 images under .*farm, found 0: there is no farm/cow/1.jpg, "
    ):
        read_manifest(path)
    with pytest.raises(
        DataProblem, match=r"expected 4 images under .*zoo, found 2: there is no zoo/cat/1.jpg, "
    ):
        read_manifest(path, sets=["zoo"])
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(DataProblem, match=r"under .*elsewhere/farm, found 0"):
        read_manifest(path, elsewhere)
    with pytest.raises(DataProblem, match="no images of the set 'mars'"):
        read_manifest(path, sets=["zoo", "mars"])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"modality": "painting"}, "line 2: the modality is 'painting'"),
        ({"label": "", "class": "-"}, "line 2: has neither a label nor a class"),
        ({"path": "../outside.jpg"}, "line 2: the path '../outside.jpg'"),
        ({"path": "/etc/passwd"}, "line 2: the path '/etc/passwd'"),
        ({"path": ""}, "line 2: the path ''"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: dict[str, str], complaint: str) -> None:
    with pytest.raises(DataProblem, match=complaint):
        read_manifest(manifest(tmp_path, [row("zoo/cat/1.jpg") | change]))


def test_a_manifest_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="but there is no such file"):
        read_manifest(tmp_path / "manifest.csv")
    with pytest.raises(DataProblem, match="has no column 'pair_id'"):
        read_manifest(manifest(tmp_path, [], columns=tuple(c for c in COLUMNS if c != "pair_id")))
    with pytest.raises(DataProblem, match="lists no images"):
        read_manifest(manifest(tmp_path, []))
    (tmp_path / "manifest.csv").write_bytes(b"\xff\xfe\x00set")
    with pytest.raises(DataProblem, match="not a CSV file in UTF-8"):
        read_manifest(tmp_path / "manifest.csv")


def records(*labels: str) -> Dataset:
    return Dataset("toys", tuple(Record(Path(f"{n}.jpg"), PHOTO, label) for n, label in enumerate(labels)))


def test_subsets_know_every_spelling() -> None:
    data = records("hot air balloon", "cat", "t-shirt", "cat")
    assert data.subset(["Hot-Air_Balloon", "T Shirt", "unicorn"]).labels == ("hot air balloon", "t-shirt")
    assert data.without(["Hot-Air_Balloon", "T Shirt"]).labels == ("cat",)
    assert {label: len(found) for label, found in data.by_label(PHOTO).items()}["cat"] == 2
    assert data.by_label(SKETCH) == {}
    with pytest.raises(DataProblem, match="toys has none of the 1 requested labels; it has cat, hot air"):
        data.subset(["unicorn"])


def test_joined_collections_share_their_labels() -> None:
    both = records("cellphone", "cat").joined(records("cell phone", "dog"))
    assert both.labels == ("cat", "cell phone", "dog")
    assert len(both) == 4
    assert len(both.subset(["cellphone"])) == 2


def test_lists_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    path.write_text(json.dumps({"_comment": "mind the gap", "train": ["cat"], "validation_unseen": ["dog"]}))
    assert read_labels(path) == {"train": ("cat",), "validation_unseen": ("dog",)}
    path.write_text("[1, 2")
    with pytest.raises(DataProblem, match="is not JSON"):
        read_labels(path)
    path.write_text("[1, 2]")
    with pytest.raises(DataProblem, match="an object of lists"):
        read_labels(path)
    with pytest.raises(DataProblem, match="but there is no such file"):
        read_labels(tmp_path / "gone.json")
