"""The wheel, installed in a fresh environment away from the checkout: complete, typed, and it finds photos."""

import os
import re
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.kit import TOP
from tests.kit.shapes import drawing, write_library

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = ("model", "indexer", "service")

pytestmark = pytest.mark.slow

# Three lines of somebody's program, and what their types are.
PROGRAM = """\
from service.client import Client
with Client("http://127.0.0.1:8000") as client:
    reveal_type(client.search(text="a fish").results[0].path)
"""


def run(*command: object, cwd: Path) -> str:
    """What a command prints; of this process's environment it knows nothing that leads to the checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # In this environment, as builds without isolation are: nothing is downloaded.
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=TOP,
        check=True,
        capture_output=True,
    )
    (made,) = folder.glob("*.whl")
    return made


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and an empty folder to work in."""

    python: Path
    site: Path
    home: Path

    @property
    def command(self) -> Path:
        return self.python.with_name("sketchseek")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp("away")
    run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    python = home / "venv" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel],
        cwd=home,
        check=True,
        capture_output=True,
    )
    (site,) = (home / "venv" / "lib").glob("python*/site-packages")
    # The dependencies are those of this process. Python looks into no .pth below a folder that a .pth names, so an
    # editable install among them does not lead back to the checkout.
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    return Installed(python, site, home)


def test_the_wheel_holds_what_the_repository_holds(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    packed = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(packed) == sorted(filter(None, listed))
    for part in ("py.typed", "__init__.pyi", "image.bin", "lite.json", "sketchy-25.json", "index.html"):
        assert any(name.endswith(f"/{part}") for name in packed), part


def test_its_metadata_say_where_to_read_on(installed: Installed) -> None:
    (info,) = installed.site.glob("sketchseek-*.dist-info")
    head = (info / "METADATA").read_text("utf-8").partition("\n\n")[0]
    assert f"Version: {PROJECT['version']}\n" in head
    assert f"Summary: {PROJECT['description']}\n" in head
    for name in ("Documentation", "Source", "Issues", "Changelog"):
        assert f"Project-URL: {name}, https://github.com/sketchseek/sketchseek" in head
    assert {"LICENSE", "NOTICE"} <= {path.name for path in (info / "licenses").iterdir()}


def test_it_serves_the_page_and_answers_a_search(installed: Installed) -> None:
    home = installed.home
    write_library(home / "photos")
    drawing("fish").save(home / "fish.png")
    where = "import indexer, model, service; print(indexer.__file__, model.__file__, service.__file__)"
    for path in run(installed.python, "-c", where, cwd=home).split():
        assert Path(path).is_relative_to(installed.site), path
    assert PROJECT["version"] in run(installed.command, "--version", cwd=home)
    run(installed.command, "index", "photos", "--index", "index", cwd=home)
    with serving(installed) as url:
        page = httpx.get(url)
        assert "<title>" in page.text
        for name in re.findall(r'(?:src|href)="([\w./-]+\.(?:js|css|svg))"', page.text):
            assert httpx.get(f"{url}{name}").status_code == 200, name
        answer = httpx.post(f"{url}search", files={"sketch": (home / "fish.png").read_bytes()}).json()
        assert answer["results"][0]["path"].startswith("fish/")
        assert httpx.get(f"{url}info").json()["versions"]["sketchseek"] == PROJECT["version"]


@contextmanager
def serving(installed: Installed) -> Iterator[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with subprocess.Popen(
        [installed.command, "serve", "--index", "index", "--port", "0"],
        cwd=installed.home,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"http://[^ ]+", line) for line in process.stdout)), None)
        try:
            assert found, "it never said where it listens"
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)


def test_programs_that_use_it_are_checked_with_its_types(installed: Installed) -> None:
    (installed.home / "program.py").write_text(PROGRAM)
    checked = run(
        *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable"),
        *(installed.python, "program.py"),
        cwd=installed.home,
    )
    assert 'Revealed type is "str"' in checked
