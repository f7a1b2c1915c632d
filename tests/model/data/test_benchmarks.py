"""The official layouts, made of empty files: only names and counts matter here."""

from dataclasses import replace
from pathlib import Path

import pytest

import model.data.splits
from model.data.benchmarks import LAYOUTS, open_dataset, read_benchmark
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.data.labels import key
from model.data.splits import Part, find_split, parted, published, trained_on


def classes(count: int, *named: str) -> list[str]:
    return [*named, *(f"class_{number}" for number in range(count - len(named)))]


def fill(folder: Path, labels: list[str], *files: str) -> None:
    for label in labels:
        (folder / label).mkdir(parents=True)
        for file in files:
            (folder / label / file).touch()


@pytest.fixture
def sketchy(tmp_path: Path) -> Path:
    labels = classes(125, *(name.replace(" ", "_") for name in find_split("sketchy-21").unseen))
    home = tmp_path / "Sketchy"
    fill(home / "256x256/sketch/tx_000000000000_ready", labels, "n01_58-1.png", "n01_58-2.png")
    fill(home / "256x256/photo/tx_000000000000_ready", labels, "n01_58.jpg")
    fill(home / "EXTEND_image_sketchy_ready", labels, "n01_58.jpg", "n01_77.jpg")
    return tmp_path


def test_sketchy_with_its_pairs(sketchy: Path) -> None:
    data = read_benchmark("sketchy", sketchy)
    assert len(data.labels) == 125
    assert (len(data.of(SKETCH)), len(data.of(PHOTO))) == (250, 375)
    bats = [record for record in data.records if record.label == "bat"]
    assert [record.pair for record in bats if record.modality == SKETCH] == ["n01_58", "n01_58"]
    # Added photos have no drawings of their own, even where a file name is the same.
    own = {record.path.parent.parent.name for record in bats if record.modality == PHOTO and record.pair}
    assert own == {"tx_000000000000_ready"}
    assert open_dataset(sketchy) == data == open_dataset(sketchy / "Sketchy")


def test_the_gallery_of_masbir_leaves_the_originals_out(sketchy: Path) -> None:
    assert len(read_benchmark("sketchy", sketchy, originals=False).of(PHOTO)) == 250
    assert not find_split("sketchy-21-masbir").originals
    assert find_split("sketchy-21-masbir").unseen == find_split("sketchy-21").unseen


@pytest.mark.parametrize(
    ("name", "count", "sketches", "photos"),
    [
        ("tuberlin", 250, "TUBerlin/png_ready", "TUBerlin/ImageResized_ready"),
        ("tuberlin", 250, "png", "ImageResized"),
        ("quickdraw", 110, "QuickDraw_sketches_final", "QuickDraw_images_final"),
    ],
)
def test_the_other_layouts(tmp_path: Path, name: str, count: int, sketches: str, photos: str) -> None:
    fill(tmp_path / sketches, classes(count), "1.png")
    fill(tmp_path / photos, classes(count), "1.jpg", "2.jpg")
    data = open_dataset(tmp_path)
    assert data.name == LAYOUTS[name].title
    assert (len(data.of(SKETCH)), len(data.of(PHOTO))) == (count, 2 * count)


def test_half_unpacked_benchmarks_say_what_was_expected_and_found(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"in .*QuickDraw_sketches_final, but there is no such folder"):
        read_benchmark("quickdraw", tmp_path)
    fill(tmp_path / "QuickDraw_sketches_final", classes(110), "1.png")
    with pytest.raises(
        DataProblem, match=r"photos per class in .*QuickDraw_images_final, but there is no such"
    ):
        open_dataset(tmp_path)
    fill(tmp_path / "QuickDraw_images_final", classes(90), "1.jpg", "2.jpg")
    with pytest.raises(
        DataProblem, match=r"expected 110 class .*QuickDraw_images_final, found 90 with 180 images"
    ):
        open_dataset(tmp_path)
    with pytest.raises(DataProblem, match="unknown benchmark 'imagenet'"):
        read_benchmark("imagenet", tmp_path)


def test_the_published_lists() -> None:
    splits = published()
    assert {name: len(split.unseen) for name, split in splits.items()} == {
        "quickdraw-30": 30,
        "sketchy-21": 21,
        "sketchy-21-masbir": 21,
        "sketchy-25": 25,
        "tuberlin-30": 30,
        "tuberlin-30-masbir": 30,
    }
    for split in splits.values():
        assert len({key(label) for label in split.unseen}) == len(split.unseen)
        assert split.benchmark in LAYOUTS
    both = [{key(label) for label in splits[name].unseen} for name in ("tuberlin-30", "tuberlin-30-masbir")]
    assert both[0] & both[1] == {"rollerblades"}
    assert (splits["quickdraw-30"].test_sketches, splits["quickdraw-30"].test_photos) == (92291, 54151)
    assert (splits["sketchy-25"].test_sketches, splits["sketchy-25"].test_photos) == (15229, 17101)
    with pytest.raises(DataProblem, match=r"unknown published split 'sketchy-99'; known: quickdraw-30"):
        find_split("sketchy-99")


def test_parted_keeps_seen_and_unseen_apart(sketchy: Path) -> None:
    split = replace(find_split("sketchy-21"), test_sketches=42, test_photos=64)
    seen, unseen = parted(read_benchmark("sketchy", sketchy), split)
    assert {key(label) for label in unseen.labels} == {key(label) for label in split.unseen}
    assert len(seen.labels) == 104
    assert not set(seen.records) & set(unseen.records)


def test_parted_refuses_what_is_not_all_there(sketchy: Path) -> None:
    data = read_benchmark("sketchy", sketchy)
    split = find_split("sketchy-21")
    with pytest.raises(DataProblem, match=r"about 12694 sketch images .* of sketchy-21, found 42: unpack"):
        parted(data, split)
    with pytest.raises(DataProblem, match=r"about 12553 photo images .* of sketchy-21, found 63: unpack"):
        parted(data, replace(split, test_sketches=42))
    with pytest.raises(DataProblem, match=r"lacks 2 of the 21 unseen classes of sketchy-21, .* 'cabin'"):
        parted(data.without(["cabin", "window"]), split)


def test_a_training_is_validated_on_seen_labels_and_never_by_those_of_the_test(
    sketchy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = replace(find_split("sketchy-21"), test_sketches=42, test_photos=64)
    monkeypatch.setattr(model.data.splits, "find_split", {"sketchy-21": split}.__getitem__)
    whole = read_benchmark("sketchy", sketchy)
    test = {key(label) for label in split.unseen}
    seen, validation = trained_on(whole, Part("sketchy-21"))
    assert validation is not None
    assert (len(validation.labels), len(seen.labels)) == (10, 94)
    assert not test & {key(label) for label in (*seen.labels, *validation.labels)}
    assert validation.labels == trained_on(whole, Part("sketchy-21"))[1].labels  # type: ignore[union-attr]
    everything, nobody = trained_on(whole, Part("sketchy-21", all_labels=True))
    assert (len(everything.labels), nobody) == (104, None)
    assert not test & {key(label) for label in everything.labels}


def paired(*names: str) -> Dataset:
    """Two drawings and a photo of each thing, named by its class and number, and a photo that nobody drew."""
    records = [Record(Path("alone.jpg"), PHOTO, "shoe", None, "toys")]
    for name in names:
        label = name.split()[0]
        records.append(Record(Path(f"{name}.jpg"), PHOTO, label, name, "toys"))
        records += [Record(Path(f"{name}-{n}.png"), SKETCH, label, name, "toys") for n in (1, 2)]
    return Dataset("toys", tuple(records))


def test_classes_and_the_test_classes_of_other_benchmarks_are_left_out() -> None:
    bat = next(label for label in find_split("sketchy-21").unseen if key(label) == "bat")
    data = paired("shoe 1", f"{bat} 1", "chair 1")
    seen, validation = trained_on(data, Part(left_out=("Shoe", "sketchy-21")))
    assert (seen.labels, validation) == (("chair",), None)
    with pytest.raises(
        DataProblem, match="'cow' is neither a class of toys nor a published split: leave out one"
    ):
        trained_on(data, Part(left_out=("cow",)))


def test_what_is_left_out_is_not_validated_on_either(tmp_path: Path) -> None:
    splits = tmp_path / "splits.json"
    splits.write_text('{"validation_unseen": ["shoe", "chair"]}')
    data = paired("shoe 1", "chair 1", "bell 1")
    seen, validation = trained_on(data, Part(str(splits), left_out=("shoe",)))
    assert validation is not None
    assert (seen.labels, validation.labels) == (("bell",), ("chair",))


def test_labels_of_a_file_are_found_in_any_spelling_and_missed_by_name(tmp_path: Path) -> None:
    data, splits = paired("shoe 1", "chair 1"), tmp_path / "splits.json"
    splits.write_text('{"validation_unseen": ["SHOE", "no such thing"]}')
    _, validation = trained_on(data, Part(str(splits)))
    assert validation is not None
    assert validation.labels == ("shoe",)
    splits.write_text('{"validation_unseen": ["no such thing"]}')
    with pytest.raises(DataProblem, match=r"splits.json: no label of validation_unseen is in .*, which has "):
        trained_on(data, Part(str(splits)))
    assert trained_on(data, Part(str(splits), all_labels=True)) == (data, None)


def test_by_pair_each_photo_and_its_drawings_are_a_class() -> None:
    data = paired(*(f"shoe {number}" for number in range(30)))
    seen, validation = trained_on(data, Part(by_pair=True))
    assert validation is not None
    assert (len(seen.labels), len(validation.labels)) == (27, 3)
    for part in (seen, validation):
        assert {(found.sketches, found.photos) for found in part.counts().values()} == {(2, 1)}
        assert len({(record.label, record.pair) for record in part.records}) == len(part.labels)
    everything, nobody = trained_on(data, Part(by_pair=True, all_labels=True))
    assert (len(everything.labels), nobody) == (30, None)
    with pytest.raises(DataProblem, match="no sketch has its own photo; give a manifest with `pair_id`"):
        trained_on(paired(), Part(by_pair=True))
