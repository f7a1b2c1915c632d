"""`sketchseek` alone: where its index is, which port it takes, and when a browser opens."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.console.browsing import has_screen, serves
from service.named import data_folder, default_index
from service.settings_file import named_index
from tests.kit import TOP
from tests.kit.service.commands import sketchseek
from tests.kit.waiting import until


@contextmanager
def alone(home: Path, **environment: str) -> Iterator[tuple[str, list[str]]]:
    """Runs `sketchseek` without a command; gives its address, and what it said."""
    given = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "SSH_", "DISPLAY"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli"],
        cwd=home,
        env={**given, "HOME": str(home), "PYTHONPATH": str(TOP), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]
    if "Already" not in said[0]:
        said.append(process.stdout.readline())
    found = re.search(r"http://[^ \n]+", said[-1])
    assert found, (said, process.communicate(timeout=60))
    try:
        yield found[0], said
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that only notes which addresses it was to open."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    program.chmod(0o755)
    return program


def test_alone_it_serves_an_empty_library_and_opens_the_browser_once_it_is_there(
    tmp_path: Path, browser: Path
) -> None:
    opened = tmp_path / "opened"
    seeing = {"BROWSER": f"{browser} %s", "DISPLAY": ":0"}
    with alone(tmp_path, **seeing) as (url, said):
        assert said[0].startswith("0 photos")
        library = httpx.get(f"{url}admin/library").json()
        assert library["index"] == str(tmp_path / ".local/share/sketchseek/index")
        assert library["state"] == "empty"
        until(lambda: opened.exists() and opened.read_text() == f"{url}\n", 30)
        assert serves(url, Path(library["index"]))
        assert not serves(url, tmp_path)
        # Again, with the same index: only the browser opens.
        with alone(tmp_path, **seeing) as (again, told):
            assert (again, told) == (url, [f"Already running: draw at {url}\n"])
            until(lambda: opened.read_text() == f"{url}\n{url}\n", 30)
        # With another index: another port.
        with alone(tmp_path, SKETCHSEEK_INDEX=str(tmp_path / "other")) as (other, _):
            assert other != url
            assert httpx.get(f"{other}admin/library").json()["index"] == str(tmp_path / "other")


def test_the_default_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_index() == tmp_path / ".local/share/sketchseek/index"
    assert data_folder("darwin") == tmp_path / "Library/Application Support"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert data_folder("win32") == tmp_path / "local"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_index() == tmp_path / "data/sketchseek/index"
    (tmp_path / "index").mkdir()
    assert default_index() == tmp_path / "data/sketchseek/index", "any folder may be called index"
    (tmp_path / "index" / "LOCK").touch()
    assert default_index() == Path("index")
    (tmp_path / "sketchseek.toml").write_text('index = "mine"\n')
    assert named_index() == Path("mine")


def test_the_other_commands_use_the_same_index(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = sketchseek("index", library)
    assert made.returncode == 0, made.stderr
    assert str(tmp_path / "data/sketchseek/index") in made.stdout
    assert "15" in sketchseek("status").stdout


def test_no_browser_opens_where_nobody_would_see_it() -> None:
    assert has_screen({"DISPLAY": ":0"}, "linux")
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_screen({}, "darwin")
    assert not has_screen({}, "linux")
    assert not has_screen({"DISPLAY": ":0", "SSH_CONNECTION": "a b"}, "linux")
