"""Files of a comparison: whole, or not there."""

from pathlib import Path

import pytest

from model.training.files import read, write


def test_what_is_written_is_read_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "seed 0" / "cell.json"
    assert read(file) is None
    write(file, {"steps": 1})
    write(file, {"steps": 2})
    assert read(file) == {"steps": 2}
    assert [found.name for found in file.parent.iterdir()] == ["cell.json"]


@pytest.mark.parametrize("content", [b"", b'{"steps": ', b"[1]", b"\xff"])
def test_what_is_damaged_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cell.json").write_bytes(content)
    assert read(tmp_path / "cell.json") is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "comparison.md", "a table")
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path / "comparison.md", "half a table \ud800")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("comparison.md", "a table")]
