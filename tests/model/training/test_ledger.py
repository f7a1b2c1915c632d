"""A run does not go on with other pictures than those it began with, and says which one it is."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from model.data.datasets import PHOTO, SKETCH, Record
from model.training.ledger import FILE, refuse_changed
from model.training.run import STATE
from model.training.state import RunProblem


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    (tmp_path / "pictures").mkdir()
    found = []
    for number, kind in enumerate((PHOTO, SKETCH, PHOTO)):
        path = tmp_path / "pictures" / f"{number}.png"
        path.write_bytes(b"x" * (number + 5))
        found.append(Record(path, kind, "cat", str(number), "pets"))
    return found


def begun(folder: Path, records: Sequence[Record]) -> None:
    folder.mkdir()
    refuse_changed(folder, records)
    (folder / STATE).write_bytes(b"")


def test_it_goes_on_with_the_same_pictures_wherever_they_are(tmp_path: Path, records: list[Record]) -> None:
    begun(tmp_path / "run", records)
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    (tmp_path / "run").rename(tmp_path / "moved")
    there = [replace(record, path=tmp_path / "elsewhere" / record.path.name) for record in records]
    before = (tmp_path / "moved" / FILE).read_text()
    refuse_changed(tmp_path / "moved", there[::-1])
    assert (tmp_path / "moved" / FILE).read_text() == before
    assert str(tmp_path) not in before


@pytest.mark.parametrize("what", ["size", "label", "pair", "gone", "more"])
def test_what_changed_is_named(tmp_path: Path, records: list[Record], what: str) -> None:
    begun(tmp_path / "run", records)
    other = list(records)
    if what == "size":
        records[1].path.write_bytes(b"another picture")
    elif what in ("label", "pair"):
        other[1] = replace(records[1], **{what: "dog"})
    elif what == "gone":
        del other[1]
    else:
        other.append(replace(records[1], path=records[1].path.with_name("1.png"), label="dog"))
    with pytest.raises(
        RunProblem, match=r"run: 1\.png is not what it was when this run began, in size, label or pair: put"
    ):
        refuse_changed(tmp_path / "run", other)


def test_before_a_run_begins_everything_may_change_and_is_prepared_anew(
    tmp_path: Path, records: list[Record]
) -> None:
    folder = tmp_path / "run"
    begun(folder, records)
    (folder / STATE).unlink()
    (folder / "seen.done").write_text("prepared")
    refuse_changed(folder, records)
    assert (folder / "seen.done").exists()
    refuse_changed(folder, records[:2])
    assert not (folder / "seen.done").exists()
    assert len((folder / FILE).read_text().splitlines()) == 2


def test_a_run_of_an_earlier_version_goes_on(tmp_path: Path, records: list[Record]) -> None:
    begun(tmp_path / "run", records)
    (tmp_path / "run" / FILE).unlink()
    refuse_changed(tmp_path / "run", records)
    assert (tmp_path / "run" / FILE).exists()
