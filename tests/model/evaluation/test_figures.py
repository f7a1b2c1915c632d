"""The pictures of a report: do they show what they should?"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from model.data.datasets import PHOTO, SKETCH, Dataset, Record
from model.evaluation.embedding import Embedded
from model.evaluation.figures import (
    ASKED,
    CAPTION,
    FRAME,
    GAP,
    RIGHT,
    TILE,
    WRONG,
    SheetLine,
    sheet,
    space_picture,
    stripping_picture,
    tsne,
    zero_shot_sheet,
)

STEP = TILE + 2 * FRAME + GAP


def clusters(count: int = 4, size: int = 25, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = 8 * rng.standard_normal((count, 16))
    labels = np.repeat(np.arange(count), size)
    return centres[labels] + rng.standard_normal((count * size, 16)), labels


def test_tsne_keeps_clusters_together_and_apart() -> None:
    vectors, labels = clusters()
    spots = tsne(vectors, perplexity=10)
    assert spots.shape == (100, 2)
    assert np.isfinite(spots).all()
    distances = np.linalg.norm(spots[:, None] - spots[None, :], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(axis=1)] == labels).all()
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(distances, 0)
    assert distances[same].max() < distances[~same].mean()
    assert np.array_equal(spots, tsne(vectors, perplexity=10))


def test_tsne_survives_equal_points_and_refuses_too_few() -> None:
    assert np.isfinite(tsne(np.ones((8, 3)))).all()
    with pytest.raises(ValueError, match="t-SNE of 3 vectors"):
        tsne(np.eye(3))


def test_the_stripping_picture_has_two_panels(tmp_path: Path) -> None:
    vectors, labels = clusters(count=3, size=8)
    kinds = ["sketch", "photo", "photo", "text"] * 6
    path = tmp_path / "new" / "stripping.png"
    stripping_picture(vectors, vectors + 1, kinds, [f"class {label}" for label in labels], path)
    with Image.open(path) as picture:
        assert picture.width == pytest.approx(2 * picture.height, abs=4)
        halves = [np.asarray(picture.convert("RGB"))[:, part] for part in (slice(0, 600), slice(720, 1320))]
    for half in halves:
        assert len(np.unique(half.reshape(-1, 3), axis=0)) > 20


def test_the_space_of_unseen_classes(tmp_path: Path) -> None:
    records = [
        Record(tmp_path / f"{label}{number}.png", modality, label)
        for label in ("red", "green", "blue")
        for modality, count in ((SKETCH, 4), (PHOTO, 6))
        for number in range(count)
    ]
    rng = np.random.default_rng(0)
    texts = {label: rng.standard_normal(5).astype(np.float32) for label in ("red", "green", "blue")}
    vectors = rng.standard_normal((len(records), 5)).astype(np.float32)
    data = Embedded(Dataset("colours", tuple(records)), vectors, texts)
    path = tmp_path / "space.png"
    assert space_picture(data, data, path, unseen=["red", "blue"], each=3) == 2 * (3 + 3 + 1)
    assert space_picture(data, data, path, classes=1) == 4 + 6 + 1
    with Image.open(path) as shown:
        assert shown.size == (1320, 660)
    photos = [place for place, record in enumerate(records) if record.modality == PHOTO]
    drawn_none = Embedded(Dataset("photos", tuple(records[n] for n in photos)), vectors[photos])
    assert space_picture(drawn_none, drawn_none, tmp_path / "none.png") == 0
    assert not (tmp_path / "none.png").exists()


def test_a_sheet_marks_right_and_wrong(tmp_path: Path) -> None:
    red, green = (Image.new("RGB", (40, 20), colour) for colour in ("red", "green"))
    faint = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    lines = [
        SheetLine(faint, "cat: 1 of 2 right", (red, green), (True, False)),
        SheetLine(red, "dog", (green,), (False,)),
    ]
    sheet(lines, tmp_path / "sheets" / "cats.png")
    with Image.open(tmp_path / "sheets" / "cats.png") as page:
        assert page.size == (3 * STEP + GAP, 2 * (STEP + CAPTION) + GAP)
        corners = [page.getpixel((GAP + column * STEP + 1, GAP + 1)) for column in range(3)]
        assert corners == [ImageColor.getrgb(colour) for colour in (ASKED, RIGHT, WRONG)]
        middle = TILE // 2 + FRAME
        assert page.getpixel((GAP + middle, GAP + middle)) == (255, 255, 255)
        assert page.getpixel((GAP + STEP + middle, GAP + middle)) == (255, 0, 0)
        # The second line found one photo only; the place of another stays empty.
        assert page.getpixel((GAP + 2 * STEP + middle, GAP + STEP + CAPTION + middle)) == (255, 255, 255)


def test_a_sheet_of_zero_shot_results(tmp_path: Path) -> None:
    records, vectors = [], []
    for axis, label in enumerate(("red", "green", "blue")):
        for modality, count in ((SKETCH, 3), (PHOTO, 2)):
            for number in range(count):
                path = tmp_path / f"{label}-{modality}-{number}.png"
                Image.new("RGB", (20, 20), label).save(path)
                records.append(Record(path, modality, label))
                vectors.append(np.eye(3, dtype=np.float32)[axis])
    embedded = Embedded(Dataset("colours", tuple(records)), np.array(vectors))
    path = tmp_path / "sheet.png"
    assert zero_shot_sheet(embedded, path, unseen=["red", "green"], rows=3, k=4) == 3
    with Image.open(path) as page:
        assert page.size == (5 * STEP + GAP, 3 * (STEP + CAPTION) + GAP)
        for row in range(3):
            top = GAP + row * (STEP + CAPTION) + 1
            frames = [page.getpixel((GAP + column * STEP + 1, top)) for column in range(1, 5)]
            assert frames == [ImageColor.getrgb(colour) for colour in (RIGHT, RIGHT, WRONG, WRONG)]
        middle = TILE // 2 + FRAME
        asked = {page.getpixel((GAP + middle, GAP + row * (STEP + CAPTION) + middle)) for row in range(2)}
        # Two rows, two classes: no class comes twice before all came once.
        assert asked == {ImageColor.getrgb("red"), ImageColor.getrgb("green")}
    assert zero_shot_sheet(embedded, tmp_path / "none.png", unseen=["blue"], rows=0) == 0
    assert not (tmp_path / "none.png").exists()
