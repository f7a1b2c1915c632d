"""QuickDraw's strokes: reading, rendering, varying."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.data.datasets import SKETCH, DataProblem, Record
from model.data.strokes import StrokeBook, Strokes, Variation, read_strokes, render

SQUARE = Strokes((np.array([[0, 0], [200, 0], [200, 200], [0, 200], [0, 0]], dtype=np.float32),))
STILL = Variation(width=(1.0, 1.0), jitter=0.0, drop=0.0, turn=0.0)


def ink(image: Image.Image) -> NDArray[np.bool_]:
    return np.asarray(image.convert("L")) < 128


def drawing(key: str, strokes: list[list[list[int]]], recognized: bool = True) -> str:
    return json.dumps({"word": "cat", "key_id": key, "recognized": recognized, "drawing": strokes})


def test_a_drawing_fills_the_square_but_for_its_margin() -> None:
    marks = ink(render(SQUARE, 100))
    rows, columns = np.nonzero(marks)
    assert 5 <= rows.min() <= 8
    assert 91 <= rows.max() <= 94
    assert (columns.min(), columns.max()) == (rows.min(), rows.max())
    assert not marks[20:80, 20:80].any()
    picture = render(SQUARE, 100)
    assert (picture.mode, picture.size) == ("RGB", (100, 100))
    assert picture.getpixel((50, 50)) == (255, 255, 255)


def test_proportions_are_kept_and_the_drawing_is_centred() -> None:
    flat = Strokes((np.array([[0, 0], [200, 20]], dtype=np.float32),))
    rows, columns = np.nonzero(ink(render(flat, 100)))
    assert np.ptp(columns) > 80
    assert np.ptp(rows) < 20
    assert rows.mean() == pytest.approx(49.5, abs=1)


def test_variations_differ_and_repeat_with_their_seed() -> None:
    def varied(seed: int) -> NDArray[np.uint8]:
        return np.asarray(render(SQUARE, 64, np.random.default_rng(seed)))

    assert np.array_equal(varied(4), varied(4))
    assert not np.array_equal(varied(4), varied(5))
    assert np.array_equal(
        np.asarray(render(SQUARE, 64)), np.asarray(render(SQUARE, 64, np.random.default_rng(1), STILL))
    )


def test_pen_width_changes_the_ink() -> None:
    def amount(width: float) -> int:
        how = Variation((width, width), 0.0, 0.0, 0.0)
        return int(ink(render(SQUARE, 128, np.random.default_rng(0), how)).sum())

    assert amount(0.5) < 0.7 * amount(1.0) < 0.7 * 0.7 * amount(2.0)


def test_dropped_strokes_leave_at_least_half_of_the_drawing() -> None:
    lines = Strokes(tuple(np.array([[0, y], [100, y]], dtype=np.float32) for y in range(0, 100, 10)))
    how = Variation((1.0, 1.0), 0.0, 0.4, 0.0)
    counts = set()
    for seed in range(40):
        rows = ink(render(lines, 200, np.random.default_rng(seed), how)).any(axis=1)
        counts.add(int(np.diff(rows.astype(int), prepend=0).clip(0).sum()))
    assert min(counts) >= 5
    assert max(counts) <= 10
    assert len(counts) > 2


def test_dots_and_nothing_at_all() -> None:
    dot = Strokes((np.array([[5, 5]], dtype=np.float32),))
    assert ink(render(dot, 224)).sum() > 4
    assert not ink(render(Strokes(()), 64, np.random.default_rng(0))).any()


def test_a_book_finds_a_picture_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "cat.ndjson").write_text(
        drawing("77", [[[0, 9], [0, 9]], [[3], [4]]])
        + "\n\n"
        + drawing("78", [[[0, 9], [9, 0]]], False)
        + "\n"
    )
    book = StrokeBook(tmp_path)
    found = book.find(Record(Path("x/cat/77.png"), SKETCH, "cat"))
    assert found is not None
    assert [stroke.tolist() for stroke in found.strokes] == [[[0, 0], [9, 9]], [[3, 4]]]
    assert found.recognized
    other = book.find(Record(Path("x/cat/78.png"), SKETCH, "cat"))
    assert other is not None
    assert not other.recognized
    assert book.find(Record(Path("x/cat/79.png"), SKETCH, "cat")) is None
    assert book.find(Record(Path("x/dog/77.png"), SKETCH, "dog")) is None


@pytest.mark.parametrize("line", ["{", '{"key_id": "1"}', '{"key_id": "1", "drawing": [[1, 2]]}'])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_text(drawing("1", [[[0, 9], [0, 9]]]) + "\n" + line + "\n")
    with pytest.raises(DataProblem, match=r"cat\.ndjson, line 2: not a QuickDraw drawing"):
        read_strokes(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"drawings \(<class>.ndjson\) in .*nowhere"):
        StrokeBook(tmp_path / "nowhere")
