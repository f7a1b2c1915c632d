"""`sketchseek merge` as users run it, by the very commands of the manual; and runs that find another one at work."""

import json
import re
from pathlib import Path

import pytest

from indexer.locking.lock import writing
from tests.kit.service.commands import sketchseek

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "indexing.md"


def test_the_commands_of_the_manual_for_several_machines(library: Path, tmp_path: Path) -> None:
    (library / "text.jpg").write_text("no picture")
    _, _, section = MANUAL.read_text("utf-8").partition("## Several machines")
    (commands,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = [line.partition("#")[0].split() for line in commands.splitlines()]
    assert [line[1] for line in lines] == ["index"] * 3 + ["merge"]
    for line in lines:
        done = sketchseek(*(_here(word, library, tmp_path) for word in line[1:]))
        assert done.returncode == 0, done.stderr
    assert "none, it is part 1/3 of a library" in sketchseek("status", "--index", tmp_path / "part1").stdout
    table = sketchseek("status", "--index", tmp_path / "whole").stdout
    assert re.search(r"photos +15", table)
    assert re.search(r"result +15 added, 1 skipped; done after", table)
    assert sketchseek("verify", "--index", tmp_path / "whole").returncode == 0
    refused = sketchseek(
        "merge", tmp_path / "part1", tmp_path / "part3", "--index", tmp_path / "whole", "--json"
    )
    assert refused.returncode == 1
    assert "part 2/3 is missing" in json.loads(refused.stdout)["error"]


def _here(word: str, library: Path, folder: Path) -> str:
    return str(library) if word == "/photos" else word.replace("/share", str(folder))


@pytest.mark.parametrize("command", [("prune", "1"), ("rollback",), ("index", "photos")])
def test_another_run_at_work_has_a_status_of_its_own(
    library: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert sketchseek("index", library, "--index", tmp_path / "index", "--quiet").returncode == 0
    with writing(tmp_path / "index"):
        arguments = [library if word == "photos" else word for word in command]
        done = sketchseek(*arguments, "--index", tmp_path / "index")
    assert done.returncode == 75
    assert re.search(r"process \d+ .* is indexing here; wait until it is done", done.stderr)
