"""The project's own papers: metadata, version, hooks, workflow, and where help sends its readers."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

from model.links import DOCS
from tests.kit import TOP

PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOW = TOP / ".github" / "workflows" / "ci.yml"
PACKAGES = ("model", "indexer", "service")
CHANGELOG = (TOP / "CHANGELOG.md").read_text("utf-8")
MAKEFILE = (TOP / "Makefile").read_text("utf-8")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text("utf-8"))


def test_a_version_is_named_alike_everywhere() -> None:
    version = PROJECT["version"]
    changes = re.findall(r"^## (\S+)(?: - (\d{4}-\d{2}-\d{2}))?$", CHANGELOG, re.MULTILINE)
    assert changes[0] == ("Unreleased", "")
    assert changes[1][0] == version
    assert all(date for _, date in changes[1:])
    assert f'"sketchseek": "{version}"' in (TOP / "docs" / "api.md").read_text("utf-8")


def test_typed_packages_say_so() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert all((TOP / package / "py.typed").is_file() for package in PACKAGES)


def test_the_workflow_fits_its_schema() -> None:
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        command = ["-m", "check_jsonschema", "--builtin-schema", schema, str(WORKFLOW)]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_runs_the_make_targets_on_every_python_that_is_promised() -> None:
    workflow = read(WORKFLOW)
    promised = [
        found[1]
        for line in PROJECT["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    ]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    made = {target for step in steps for target in re.findall(r"^make (\w+)", step.get("run", ""), re.M)}
    assert made == {"test", "lint", "containers"}
    assert all(f"\n{target}:" in MAKEFILE for target in made)
    used = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in used), used


def test_the_hooks_are_those_of_make_lint() -> None:
    repositories = {entry["repo"]: entry for entry in read(TOP / ".pre-commit-config.yaml")["repos"]}
    assert all(
        re.fullmatch(r"v[\d.]+", entry["rev"]) for name, entry in repositories.items() if name != "local"
    )
    ruff = next(
        need for need in map(Requirement, PROJECT["optional-dependencies"]["dev"]) if need.name == "ruff"
    )
    assert ruff.specifier.contains(repositories["https://github.com/astral-sh/ruff-pre-commit"]["rev"][1:])
    for hook in repositories["local"]["hooks"]:
        tool = hook["entry"].removeprefix(".venv/bin/")
        assert f"$(BIN)/{tool}" in MAKEFILE, f"make lint does not run {tool}"


def sentences(path: Path) -> list[str]:
    """The strings of a module that somebody may get to read: all but its own docstring."""
    if path.suffix != ".py":
        return [path.read_text("utf-8")]
    tree = ast.parse(path.read_text("utf-8"))
    own = tree.body[0].value if tree.body and isinstance(tree.body[0], ast.Expr) else None
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node is not own
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_installed_names_documents_that_it_has(package: str) -> None:
    """A wheel carries no docs folder: its help, messages and page name the page on the web (model/links.py)."""
    paths = [path for path in (TOP / package).rglob("*") if path.suffix in (".py", ".js", ".html")]
    for path in paths:
        for text in sentences(path):
            assert not re.search(r"(?<!blob/main/)\bdocs/[\w-]+\.md", text), f"{path}: {text}"
            for name in re.findall(rf"{re.escape(DOCS)}/([\w-]+\.md)", text):
                assert (TOP / "docs" / name).is_file(), f"{path}: {name}"


def test_help_leads_to_the_documents_on_the_web() -> None:
    assert PROJECT["urls"]["Documentation"].replace("/tree/", "/blob/") == DOCS
    command = [sys.executable, "-m", "service", "--help"]
    shown = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout
    assert f"Documentation: {DOCS}\n" in shown
