"""status, verify, rollback and prune as users run them."""

import errno
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from tests.kit.damage import flip
from tests.kit.service.commands import refused, sketchseek
from tests.kit.shapes import drawing, picture


@pytest.fixture
def index(library: Path, tmp_path: Path) -> Path:
    """Two generations, of 15 and 16 photos."""
    for name in ("", "new.png"):
        if name:
            picture("fish", 9).save(library / name)
        done = sketchseek("index", library, "--index", tmp_path / "index", "--index-type", "hnsw")
        assert done.returncode == 0, done.stderr
    return tmp_path / "index"


def test_status_and_verify_of_a_sound_index(index: Path) -> None:
    table = sketchseek("status", "--index", index)
    assert (table.returncode, table.stderr) == (0, "")
    for part in ("16", "000002 of 000002, 000001", "lite", "hnsw-fp16, recall@10 1.000", "MiB"):
        assert part in table.stdout
    found = json.loads(sketchseek("status", "--index", index, "--json").stdout)
    assert (found["photos"], found["generation"], found["problems"]) == (16, "000002", [])
    assert sketchseek("verify", "--index", index).stdout == "generation 000002: intact\n"
    everything = sketchseek("verify", "--index", index, "--all", "--json")
    assert json.loads(everything.stdout) == {"000001": [], "000002": []}


def test_every_damaged_file_is_named(index: Path, tmp_path: Path) -> None:
    for name in ("index.faiss", "photos.sqlite"):
        flip(index / "generations" / "000002" / name, 0.6)
    flip(index / "generations" / "000001" / "manifest.json", 0.6)
    done = sketchseek("verify", "--index", index)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    everything = sketchseek("verify", "--index", index, "--all")
    assert (everything.returncode, len(everything.stdout.splitlines())) == (1, 3)
    assert all(line.startswith(str(index)) for line in everything.stdout.splitlines())
    state = sketchseek("status", "--index", index, "--json")
    assert state.returncode == 1
    assert json.loads(state.stdout)["generation"] is None
    assert "problem: " in sketchseek("status", "--index", index).stderr


def test_a_search_says_when_it_falls_back(index: Path, tmp_path: Path) -> None:
    drawing("fish").save(tmp_path / "fish.png")
    flip(index / "generations" / "000002" / "index.faiss", 0.6)
    done = sketchseek("search", tmp_path / "fish.png", "--index", index, "-k", "99")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 15)
    assert "searching generation 000001" in done.stderr


def test_back_and_forth(index: Path, library: Path) -> None:
    done = sketchseek("rollback", "--index", index)
    assert "serving generation 000001 instead of 000002" in done.stdout
    held = sketchseek("index", "--index", index)
    assert (held.returncode, "rollback --release" in held.stderr) == (1, True)
    assert sketchseek("status", "--index", index).returncode == 1
    refused(sketchseek("rollback", "--index", index), "no intact generation before 000001")
    assert "serving generation 000001 until" in sketchseek("rollback", "--release", "--index", index).stdout
    again = sketchseek("index", "--index", index)
    assert (again.returncode, "published generation 000003 with 16 photos" in again.stdout) == (0, True)


def test_pruning(index: Path, library: Path) -> None:
    assert "nothing to remove" in sketchseek("prune", "2", "--index", index).stdout
    assert "removed generation 000001" in sketchseek("prune", "1", "--index", index).stdout
    picture("mug", 9).save(library / "newer.png")
    assert sketchseek("index", "--index", index, "--prune", "1").returncode == 0
    assert [path.name for path in (index / "generations").iterdir()] == ["000003"]
    assert sketchseek("prune", "0", "--index", index).returncode == 2


@pytest.mark.parametrize("command", ["status", "verify", "rollback", "rollback --release", "prune 2"])
def test_what_is_no_index(tmp_path: Path, command: str) -> None:
    for folder, message in ((tmp_path / "none", "no such folder"), (tmp_path, "not an index")):
        done = CliRunner().invoke(main, [*command.split(), "--index", str(folder)])
        assert (done.exit_code, done.stdout) == (1, "")
        assert message in done.stderr
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["rollback", "rollback --release", "prune 1"])
def test_a_disk_that_refuses_is_told_in_a_line(
    index: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path, *_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(folder))

    monkeypatch.setattr("indexer.generations.generation._point", refuse)
    monkeypatch.setattr("indexer.generations.generation.remove", refuse)
    done = CliRunner().invoke(main, [*command.split(), "--index", str(index)])
    assert done.exit_code == 1
    assert "Read-only file system; fix this and run the same command again" in done.stderr
