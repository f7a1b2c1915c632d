"""Help with examples that parse, and completion as shells ask for it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.console.examples import EXAMPLES
from tests.kit import TOP
from tests.kit.service.commands import CONTEXT, parse

LINES = [(name, line) for name, lines in EXAMPLES.items() for line in lines]


@pytest.mark.parametrize("name", main.list_commands(CONTEXT))
def test_every_command_has_help_with_examples(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("Examples:") == 1
    assert all(line in shown.output for line in EXAMPLES[name])
    assert all(f"sketchseek {name}" in line for line in EXAMPLES[name])


@pytest.mark.parametrize(("name", "line"), LINES)
def test_examples_parse(name: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(TOP / "docs" / "examples" / "job.toml", tmp_path)
    (tmp_path / "manifest.csv").touch()
    monkeypatch.chdir(tmp_path)
    # What stands inside eval "$(...)".
    inner = line.removeprefix('eval "$(').replace(')"', "", 1) if line.startswith("eval") else line
    assert parse(inner).info_name == name


def complete(shell: str, words: str) -> str:
    """What a shell would be told at a tab behind these words."""
    asked = {
        "_SKETCHSEEK_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    if shell == "fish":
        asked["COMP_CWORD"] = words.rpartition(" ")[2]
    script = "from service.cli import main; main(prog_name='sketchseek')"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script],
        cwd=TOP,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    named = " ".join(words.split()[1:2])
    assert (named in EXAMPLES and named != "search") or not any(
        heavy in done.stderr for heavy in ("numpy", "openvino", "fastapi", "pydantic")
    )
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    named = complete(shell, "sketchseek se")
    assert "search" in named
    assert "index" not in named.split()
    assert "--admin" in complete(shell, "sketchseek key --a")
    assert "--min-score" in complete(shell, "sketchseek search --min")
    script = CliRunner().invoke(main, ["completion", shell])
    assert (script.exit_code, "_SKETCHSEEK_COMPLETE" in script.output) == (0, True)


def test_bash_takes_what_completion_prints(tmp_path: Path) -> None:
    script = CliRunner().invoke(main, ["completion", "bash"]).output
    program = tmp_path / "sketchseek"
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from service.cli import main; main(prog_name=\'sketchseek\')" "$@"\n'
    )
    program.chmod(0o755)
    tab = (
        'COMP_WORDS=(sketchseek sta) COMP_CWORD=1\n_sketchseek_completion sketchseek\necho "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{tab}"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["status"], done.stderr


@pytest.mark.parametrize("name", main.list_commands(CONTEXT))
def test_help_names_no_document_that_the_wheel_lacks(name: str) -> None:
    words = CliRunner().invoke(main, [name, "--help"], terminal_width=1000).output.split()
    assert [word for word in words if re.search(r"(docs|examples)/", word) and "https://" not in word] == []
