"""A file of views: the pictures themselves stay, the variations change from turn to turn, and no kill harms it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from model.data.datasets import DataProblem
from model.training import cache
from model.training.cache import Layout, ViewFile

RECORDS, SLOTS = 20, 3


def value(row: int, number: int) -> float:
    return row + number / 64


class Maker:
    """Makes views that say which they are, until it is killed."""

    def __init__(self, until: int = 10**9) -> None:
        self.until, self.made = until, list[tuple[int, int]]()

    def __call__(self, wanted: Sequence[tuple[int, int]]) -> np.ndarray:
        if len(self.made) >= self.until:
            raise KeyboardInterrupt
        self.made += wanted
        return np.array([[value(*one)] * 4 for one in wanted], dtype=np.float32)


def opened(file: Path, maker: Maker, turn: int, signature: str = "s") -> ViewFile:
    found = ViewFile(file, Layout(signature, RECORDS, SLOTS), maker)
    found.turn_to(turn)
    return found


def holds(file: ViewFile, turn: int) -> bool:
    numbers = [0, *(turn * (SLOTS - 1) + slot for slot in range(1, SLOTS))]
    wanted = np.array([value(row, number) for row in range(RECORDS) for number in numbers], dtype=np.float16)
    return np.array_equal(file.values, np.repeat(wanted[:, None], 4, axis=1))


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_SYNCED", 16)


def test_a_turn_replaces_the_variations_only(tmp_path: Path) -> None:
    maker = Maker()
    file = opened(tmp_path / "v.f16", maker, 0)
    assert holds(file, 0)
    size = file.file.stat().st_size
    maker.made.clear()
    file.turn_to(0)
    assert not maker.made
    for turn in (1, 5, 2):
        maker.made.clear()
        file.turn_to(turn)
        assert holds(file, turn)
        assert {number for _, number in maker.made} == {turn * 2 + 1, turn * 2 + 2}
    assert file.file.stat().st_size == size


def test_what_is_there_is_used_whatever_its_turn(tmp_path: Path) -> None:
    opened(tmp_path / "v.f16", Maker(), 3)
    maker = Maker()
    again = ViewFile(tmp_path / "v.f16", Layout("s", RECORDS, SLOTS), maker)
    again.open()
    assert holds(again, 3)
    assert not maker.made


@pytest.mark.parametrize(("turn", "then"), [(0, 0), (0, 2), (1, 1), (1, 2)])
@pytest.mark.parametrize("until", [1, 16, 24, 32])
def test_a_killed_call_is_continued_or_made_again(tmp_path: Path, turn: int, then: int, until: int) -> None:
    if turn:
        opened(tmp_path / "v.f16", Maker(), 0)
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path / "v.f16", Maker(until), turn)
    maker = Maker()
    assert holds(opened(tmp_path / "v.f16", maker, then), then)
    whole = RECORDS * SLOTS if turn == 0 else RECORDS * (SLOTS - 1)
    assert (len(maker.made) < whole) == (turn == then and until >= 16)


def test_a_cut_file_is_made_again(tmp_path: Path) -> None:
    first = opened(tmp_path / "v.f16", Maker(), 0)
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path / "v.f16", Maker(20), 1)
    first.file.write_bytes(first.file.read_bytes()[:100])
    assert holds(opened(tmp_path / "v.f16", Maker(), 1), 1)


def test_other_views_are_not_taken_over(tmp_path: Path) -> None:
    opened(tmp_path / "v.f16", Maker(), 0)
    maker = Maker()
    assert holds(opened(tmp_path / "v.f16", maker, 0, "other"), 0)
    assert len(maker.made) == RECORDS * SLOTS


def test_a_disk_without_room_is_refused_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage: Callable[[Path], object] = cache.shutil.disk_usage
    free = usage(tmp_path)._replace(free=2**28 + 400)  # type: ignore[attr-defined]
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: free)
    with pytest.raises(
        DataProblem,
        match=r"prepared pictures take 0\.0 GB, and the disk has 0\.3 GB left, of which 0\.3 GB shall",
    ):
        opened(tmp_path / "v.f16", Maker(), 0)
    assert not (tmp_path / "v.f16").exists()


@pytest.mark.parametrize("kept", [0, 40, 300])
def test_a_finished_file_that_was_cut_is_made_again(tmp_path: Path, kept: int) -> None:
    with (opened(tmp_path / "v.f16", Maker(), 0).file).open("r+b") as file:
        file.truncate(kept)
    again = ViewFile(tmp_path / "v.f16", Layout("s", RECORDS, SLOTS), Maker())
    again.open()
    assert holds(again, 0)


def test_a_damaged_seal_is_no_seal(tmp_path: Path) -> None:
    opened(tmp_path / "v.f16", Maker(), 2)
    (tmp_path / "v.done").write_bytes(b"s \xff")
    assert holds(opened(tmp_path / "v.f16", Maker(), 0), 0)
