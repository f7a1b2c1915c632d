"""A home without an index, and a service in it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from model import Encoder
from tests.kit.service.setting_up import started


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path / "home"


@pytest.fixture
def client(home: Path, encoder: Encoder) -> Iterator[httpx.Client]:
    with started(home / ".local/share/sketchseek/index", encoder) as client:
        yield client
