"""The house rules that a program can check: one direction between rooms, light imports, documented settings."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from service.cli import main as cli
from service.settings import Settings
from tests.kit import TOP

ROOMS = {"model": 0, "indexer": 1, "service": 2}
SOURCES = [path for room in ROOMS for path in sorted((TOP / room).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def test_rooms_are_entered_in_one_direction() -> None:
    wrong = [
        f"{path.relative_to(TOP)} imports {room}"
        for path in SOURCES
        for room in imported(path) & set(ROOMS)
        if ROOMS[room] > ROOMS[path.relative_to(TOP).parts[0]]
    ]
    assert not wrong


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert not silent


# Waiting gives up one day, and kills are aimed at moments; what a test finds decides whether it passes.
MAY_READ_A_CLOCK = {"kit/waiting.py", "kit/kills.py"}
CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time", "default_timer"}


def clocks_read(tree: ast.AST) -> Iterator[int]:
    """The lines that ask how late it is, also by a name that was imported from `time`."""
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "timeit")
        for alias in node.names
        if alias.name.removesuffix("_ns") in CLOCKS
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        asked = ast.unparse(node.func)
        module, _, name = asked.rpartition(".")
        if asked in names or (module.endswith("time") and name.removesuffix("_ns") in CLOCKS):
            yield node.lineno


def test_no_test_reads_a_clock() -> None:
    """A busy machine is slower than any limit: tests decide by order, counts and outcomes."""
    tests = TOP / "tests"
    wrong = [
        f"{path.relative_to(TOP)}:{line}"
        for path in sorted(tests.rglob("*.py"))
        if path.relative_to(tests).as_posix() not in MAY_READ_A_CLOCK
        for line in clocks_read(ast.parse(path.read_text("utf-8")))
    ]
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "import time\nassert time.monotonic() - start < 3",
        "from time import perf_counter as now\nassert now() < end",
        "import keys\nend = keys.time.time_ns()",
    ],
)
def test_that_check_sees_a_clock(line: str) -> None:
    assert list(clocks_read(ast.parse(line))) == [2]


def test_no_test_module_imports_another() -> None:
    """What several of them need stands in tests/kit, or is a fixture of tests/conftest.py."""
    wrong = [
        f"{path.relative_to(TOP)} imports {node.module}"
        for path in sorted((TOP / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.")
        if not (node.module or "").startswith("tests.kit")
    ]
    assert not wrong


def as_written(default: object) -> str:
    """What one would set a variable to, for the default of a setting."""
    if default is None or str(default) == "":
        return "unset"
    return f"`{default:g}`" if isinstance(default, float) else f"`{str(default).lower()}`"


def test_every_setting_is_described_and_documented() -> None:
    documented = (TOP / "docs" / "settings.md").read_text(encoding="utf-8")
    for name, setting in Settings.model_fields.items():
        assert setting.description, name
        default = "see right" if setting.default_factory else as_written(setting.default)
        row = f"| `SKETCHSEEK_{name.upper()}` | {default} | {setting.description} |"
        assert row in documented, f"docs/settings.md lacks or misquotes: {row}"


def test_the_documented_defaults_are_what_one_would_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SKETCHSEEK_{name.upper()}", raising=False)
    rows = re.findall(
        r"^\| `(SKETCHSEEK_\w+)` \| `(.+?)` \|", (TOP / "docs/settings.md").read_text("utf-8"), re.M
    )
    for variable, written in rows:
        monkeypatch.setenv(variable, written)
    assert Settings().model_dump() == Settings.model_construct().model_dump()


def test_links_of_the_documents_lead_somewhere() -> None:
    documents = [*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")]
    links = [
        (page, link) for page in documents for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    ]
    assert len(links) > 5
    assert not [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()]


def test_the_indexing_page_names_only_commands_and_options_that_exist() -> None:
    text = (TOP / "docs" / "indexing.md").read_text("utf-8")
    commands = {
        name: cli.get_command(click.Context(cli), name) for name in cli.list_commands(click.Context(cli))
    }
    options = {
        name
        for each in commands.values()
        if each
        for parameter in each.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {*re.findall(r"sketchseek ([a-z]+)", text)} <= {*commands, "index"}
    assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)} <= options
    assert all((TOP / "docs" / found).is_file() for found in re.findall(r"examples/[\w.-]+\w", text))


def test_the_cpu_path_needs_no_heavy_library(library: Path, tmp_path: Path) -> None:
    """Index, search and the application, in a process where none of them can be imported."""
    heavy = ("torch", "timm", "transformers", "open_clip", "matplotlib", "sklearn")
    script = f"""
import json, sys
sys.modules.update(dict.fromkeys({heavy}))
from pathlib import Path
from PIL import Image
from indexer import Published, run
from model import Encoder, SKETCH_CAPS
from service.app import create_app
from service.search.gallery import Gallery
from service.settings import Settings
from indexer import Silent
from tests.kit.shapes import drawing
encoder = Encoder.load()
index = Path({str(tmp_path / "index")!r})
report = run(index, [Path({str(library)!r})], encoder, Silent())
app = create_app(Gallery(index, encoder, SKETCH_CAPS), Settings(index=index))
hits = Published.open(index, encoder.fingerprint).search(encoder.sketches([drawing("fish")]), 3)
print(json.dumps([report.photos, len(hits)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [15, 3]
