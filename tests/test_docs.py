"""The documents: what they tell people to type parses, and the README's own lines are run as they stand."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bench.__main__ import NAMES, SLOW
from tests.kit import TOP
from tests.kit.service.commands import parse
from tests.kit.shapes import drawing, write_library

PAGES = sorted([TOP / "README.md", *(TOP / "docs").glob("*.md")])
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
SERVICES: dict[str, Any] = YAML(typ="safe").load((TOP / "compose.yaml").read_text("utf-8"))["services"]
# What no test runs; the page says so in a comment for whoever reads its source.
FOREIGN = (
    "git",
    "sudo",
    "docker",
    "source",
    "kubectl",
    "helm",
    "openssl",
    "export",
    "cd",
    "rm",
    "cp",
    "systemctl",
)


def lines(page: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    whole = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in whole if line.strip() and not line.startswith("#")]


LINES = [pytest.param(page, line, id=f"{page.name}: {line[:60]}") for page in PAGES for line in lines(page)]


@pytest.mark.parametrize(("page", "line"), LINES)
def test_every_line_for_a_shell_can_be_typed(page: Path, line: str, tmp_path: Path) -> None:
    bare = re.sub(r"^([A-Z_]+=\S+ +)*(\S*bin/)?", "", line.partition("  #")[0].strip())
    if bare.startswith(("sketchseek ", 'eval "$(sketchseek')):
        command = bare.removeprefix('eval "$(').replace(')"', "")
        # Usage rather than an example: what is in brackets may be left out.
        command = re.sub(r"\[[^][]*(\[[^]]*\])?[^][]*\]", "", command)
        for given in re.findall(r"--config (\S+)", command):
            (tmp_path / given).write_text("quiet = true")
            command = command.replace(given, str(tmp_path / given))
        assert parse(command)
    elif bare.startswith("sh docker/"):
        assert (TOP / bare.split()[1]).is_file()
    elif bare.startswith("make "):
        assert f"\n{bare.split()[1]}:" in (TOP / "Makefile").read_text("utf-8")
    elif bare.startswith("docker compose "):
        words = re.findall(r"(?<= )(?:up|run|exec|logs)((?: [\w-]+)*)", re.sub(r" -[-\w]+| -p \w+", "", bare))
        named = [word for group in words for word in group.split()]
        assert not named or named[0] in SERVICES, named
    elif found := re.match(r"(?:(?:python -m )?pip|pipx|uv tool) install .*\[([\w,]+)\]", bare):
        assert set(found[1].split(",")) <= set(PROJECT["optional-dependencies"])
    elif found := re.match(r"python -m bench ?(.*)", bare):
        assert not found[1] or set(found[1].split()) <= {*NAMES, *SLOW, "gpu"} or found[1].startswith("gpu")
    elif bare != "sketchseek" and not bare.startswith(("curl ", "python")):
        assert bare.split()[0] in FOREIGN, f"{page.name}: how is {line!r} tested?"
        assert "not run by the tests" in page.read_text("utf-8"), f"{page.name} does not say what is not run"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A stranger's home: photos, a drawing, and the command on the path."""
    write_library(tmp_path / "Pictures")
    drawing("fish").save(tmp_path / "drawing.png")
    drawing("fish").convert("RGB").save(tmp_path / "photo.jpg")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "sketchseek"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={TOP} exec {sys.executable} -m service.cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(line: str, home: Path) -> str:
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=home,
        env={**os.environ, "HOME": str(home), "PATH": path, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_lines_of_the_readme_work_one_after_another(home: Path) -> None:
    said = {
        line.split()[1]: run(line, home)
        for line in lines(TOP / "README.md")
        if line.startswith("sketchseek") and "serve" not in line
    }
    assert list(said) == ["index", "search", "doctor"]
    assert "published generation 000001 with 15 photos" in said["index"]
    assert "Pictures/fish/" in said["search"].splitlines()[0]
    assert "15 photos, generation 000001" in said["doctor"]


def test_the_python_of_the_readme_runs(home: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (TOP / "README.md").read_text("utf-8"), re.DOTALL | re.M)
    assert len(blocks) == 1
    (home / "example.py").write_text(blocks[0])
    assert "(1, 512)" in run(f"{sys.executable} example.py", home)


def test_every_page_can_be_found() -> None:
    starts = "".join((TOP / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    missing = [
        page.name for page in PAGES[1:] if f"docs/{page.name}" not in starts and page.name != "README.md"
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_that_are_named_exist(page: Path) -> None:
    from service.console.checks import variables

    named = set(re.findall(r"\bSKETCHSEEK_[A-Z_]*[A-Z]\b", page.read_text("utf-8")))
    assert named <= variables()
