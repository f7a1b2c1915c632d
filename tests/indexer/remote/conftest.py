"""Live libraries on each kind of server, each with one beside it that is written whole."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.jobs import describe_photos
from tests.kit.lively import Libraries, Photos
from tests.kit.remote import lite, store, wipe
from tests.kit.standin import InThread

Fixture = Callable[[str], Any]
# Addresses of two libraries on the same server.
ADDRESSES: dict[str, Callable[[Path, Fixture], tuple[str, str]]] = {
    "milvus": lambda _, fixture: _pair(lambda name: str(fixture("milvus_server").address(name))),
    "milvus+lite": lambda folder, _: _pair(lambda name: lite(folder / "lite", name)),
    "postgresql": lambda _, fixture: _pair(
        lambda name: str(fixture("postgres_address")).replace("?", f"/{name}?")
    ),
}
SLOW = ("milvus",)


def _pair(address: Callable[[str], str]) -> tuple[str, str]:
    name = f"l{secrets.token_hex(8)}"
    return address(name), address(f"{name}w")


def opened_at(request: pytest.FixtureRequest, folder: Path) -> Iterator[Libraries]:
    found = Libraries(*map(store, ADDRESSES[request.param](folder, request.getfixturevalue)))
    yield found
    wipe(found.live)
    wipe(found.whole)


@pytest.fixture(
    params=[pytest.param(kind, marks=pytest.mark.slow if kind in SLOW else ()) for kind in ADDRESSES]
)
def libraries(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Libraries]:
    yield from opened_at(request, tmp_path)


@pytest.fixture(params=[kind for kind in ADDRESSES if kind not in SLOW])
def nearby(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Libraries]:
    """For what does not depend on the server."""
    yield from opened_at(request, tmp_path)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Photos:
    """Thirty; a rung of the ladder for each seven, and few rows in an answer."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    for module in ("live.order", "changing"):
        monkeypatch.setattr(f"indexer.remote.{module}.STEP", 7)
    monkeypatch.setattr("indexer.remote.changing._ROWS", 16)
    found = Photos(tmp_path)
    describe_photos(monkeypatch, found.described)
    for _ in range(30):
        found.add()
    found.index()
    return found
