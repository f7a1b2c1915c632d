"""The dominant colour: what it is, that each new photo gets one, and that those of older indexes do once."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from indexer import Report, Silent, inspect, merge, run
from indexer.colours import dominant
from indexer.duplicates.signatures import look, stack
from indexer.folders.partition import Partition
from indexer.generations.photos import PHOTOS_FILE, Photos
from model.pictures.preprocess import photo_pixels
from tests.kit.jobs import Job
from tests.kit.standin import InThread, StandIn, write_photo

OLD = Path(__file__).parent / "old"


def colour_of(image: Image.Image) -> tuple[int, ...]:
    (found,) = dominant(stack([look(photo_pixels(image, 224))])).tolist()
    return (found >> 16, found >> 8 & 255, found & 255)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (12, 200, 99), (255, 0, 0)])
def test_one_colour_is_itself(colour: tuple[int, int, int]) -> None:
    assert colour_of(Image.new("RGB", (300, 200), colour)) == colour


def test_what_fills_most_of_a_photo_wins_and_is_not_mixed() -> None:
    image = Image.new("RGB", (320, 320), (40, 90, 200))
    ImageDraw.Draw(image).rectangle((0, 220, 320, 320), fill=(220, 200, 40))
    assert colour_of(image) == pytest.approx((40, 90, 200), abs=8)


def test_a_colour_counts_more_than_grey() -> None:
    image = Image.new("RGB", (320, 320), (128, 128, 128))
    ImageDraw.Draw(image).rectangle((0, 160, 320, 280), fill=(230, 60, 20))
    assert colour_of(image) == pytest.approx((230, 60, 20), abs=12)
    ImageDraw.Draw(image).rectangle((0, 0, 320, 310), fill=(128, 128, 128))
    assert colour_of(image) == pytest.approx((128, 128, 128), abs=8)


def published(index: Path, generation: str) -> dict[str, int | None]:
    photos = Photos(index / "generations" / generation / PHOTOS_FILE)
    numbers = [number for (number,) in sqlite3.connect(index / "catalogue.sqlite").execute(_IDS)]
    found = {photo.relative: photo.colour for photo in photos.get(numbers).values()}
    photos.close()
    return found


_IDS = "SELECT id FROM photos"


def test_each_new_photo_gets_one(quick: Job, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_photo(photos / "a.png", 1)
    Image.new("RGB", (90, 60), (10, 120, 200)).save(photos / "blue.png")
    report = run(quick.index, [photos], quick.encoder, Silent())
    found = published(quick.index, report.generation)
    assert (found.keys(), found["blue.png"]) == ({"a.png", "blue.png"}, 0x0A78C8)
    assert found["a.png"] is not None
    assert inspect(quick.index) == []


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of version 0.1, which knew no colours."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    index = Path(shutil.copytree(OLD / "index", tmp_path / "index"))
    shutil.copyfile(index / "catalogue.sqlite", index / "catalogue.sqlite.copy")
    shutil.copytree(OLD / "photos", tmp_path / "photos")
    return index


def go_on(index: Path) -> Report:
    return run(index, [index.parent / "photos"], StandIn(), Silent())  # type: ignore[arg-type]


def test_an_older_generation_has_none(old: Path) -> None:
    assert set(published(old, "000002").values()) == {None}


def test_those_of_an_older_index_are_filled_in_once(old: Path) -> None:
    db = sqlite3.connect(old / "catalogue.sqlite")
    with db:
        db.execute("UPDATE photos SET root = ?", (str(old.parent / "photos"),))
        db.execute("UPDATE roots SET root = ?", (str(old.parent / "photos"),))
    db.close()
    shutil.copyfile(old / "catalogue.sqlite", old / "catalogue.sqlite.copy")
    (old / "catalogue.sqlite.seal").unlink()
    first = go_on(old)
    found = published(old, first.generation)
    assert (first.embedded, first.published, len(found)) == (0, True, 7)
    assert None not in found.values()
    assert found["a/0.png"] == found["b/copy.png"]
    again = go_on(old)
    assert (again.published, again.generation) == (False, first.generation)
    assert inspect(old) == []


def test_a_merge_has_those_of_its_parts(quick: Job, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for seed in range(12):
        write_photo(photos / f"{seed}.png", seed)
    parts = [tmp_path / "one", tmp_path / "two"]
    for number, part in enumerate(parts, 1):
        run(part, [photos], quick.encoder, Silent(), partition=Partition(number, 2))
    report = merge(tmp_path / "whole", parts, Silent())
    merged = published(tmp_path / "whole", report.generation)
    whole = run(quick.index, [photos], quick.encoder, Silent())
    assert (len(merged), merged) == (12, published(quick.index, whole.generation))
    assert np.unique(list(merged.values())).size > 1
