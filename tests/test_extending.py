"""The worked examples of docs/extending.md: each adds its file and its line to a copy of the source, and is run.

In a section, a code block whose first line is `# FILE` is a new file, one whose first line is
`# in FILE, after: LINE` is a line to add behind the line that begins so, and one whose first line is `# try it` is
run with Python (or, as `console`, with the shell). It must end well and print what a `text` block behind it shows.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit import TOP

pytestmark = pytest.mark.slow

ROOMS = ("model", "indexer", "service")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block: its language, its first line, the rest."""

    language: str
    head: str
    body: str


def sections() -> dict[str, list[Block]]:
    text = (TOP / "docs" / "extending.md").read_text("utf-8")
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        if blocks := [Block(language, *body.split("\n", 1)) for language, body in _BLOCK.findall(rest)]:
            found[title] = blocks
    return found


def copy_of_the_source(folder: Path) -> Path:
    """All three rooms; files of weights are linked, not copied."""
    for room in ROOMS:
        shutil.copytree(
            TOP / room,
            folder / room,
            copy_function=_linked_if_large,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return folder


def _linked_if_large(source: str, target: str) -> None:
    if Path(source).stat().st_size > 100_000:
        Path(target).symlink_to(source)
    else:
        shutil.copyfile(source, target)


def add(block: Block, folder: Path) -> None:
    if found := re.fullmatch(r"# in (\S+), after: (.+)", block.head):
        path = folder / found[1]
        lines = path.read_text("utf-8").splitlines(keepends=True)
        fitting = [number for number, line in enumerate(lines) if line.strip().startswith(found[2])]
        assert len(fitting) == 1, f"{found[1]} has {len(fitting)} lines that begin with {found[2]!r}"
        lines.insert(fitting[0] + 1, block.body)
        path.write_text("".join(lines), "utf-8")
    else:
        path = folder / block.head.removeprefix("# ")
        assert not path.exists(), f"{path} is there already"
        path.write_text(block.body, "utf-8")


@pytest.mark.parametrize("title", sections())
def test_a_worked_example_runs_as_printed(title: str, tmp_path: Path) -> None:
    blocks = sections()[title]
    folder = copy_of_the_source(tmp_path)
    additions = [block for block in blocks if re.match(r"# (in )?(model|indexer|service)/", block.head)]
    trials = [number for number, block in enumerate(blocks) if block.head == "# try it"]
    assert [block.head.startswith("# in ") for block in additions].count(True) == 1, "one line"
    assert [block.head.startswith("# in ") for block in additions].count(False) == 1, "one file"
    assert trials
    for block in additions:
        add(block, folder)
    for number in trials:
        said = run(blocks[number], folder)
        if number + 1 < len(blocks) and blocks[number + 1].language == "text":
            shown = blocks[number + 1]
            assert said.strip() == f"{shown.head}\n{shown.body}".strip()


def run(trial: Block, folder: Path) -> str:
    command = ["bash", "-euc"] if trial.language == "console" else [sys.executable, "-c"]
    places = {"PYTHONPATH": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, trial.body],
        cwd=folder,
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
