"""A change of a live library that is killed at any step is completed by the next run; services go on meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Filter, shelf
from indexer.remote.shelf import RemoteShelf
from tests.kit.dying import CHANGES, DIED
from tests.kit.lively import Photos
from tests.kit.remote import store, wipe
from tests.kit.standin import InThread

pytestmark = pytest.mark.slow


@pytest.fixture(params=["milvus", "postgresql"])
def kept_on(request: pytest.FixtureRequest) -> Iterator[RemoteShelf]:
    name = "postgres_address" if request.param == "postgresql" else "milvus_address"
    found = store(request.getfixturevalue(name).replace("?", "/library?"))
    yield found
    wipe(found)


def test_killed_at_each_step(tmp_path: Path, kept_on: RemoteShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    photos = Photos(tmp_path)
    for _ in range(12):
        photos.add()
    photos.index()
    photos.publish(kept_on, live=True)
    for step in CHANGES:
        before, reader = kept_on.identity(), kept_on.open(photos.encoder.fingerprint)
        moved, gone = photos.names()[-2:]
        photos.add()
        photos.add()
        photos.move(moved, f"z/{step}.png")
        (photos.photos / gone).unlink()
        photos.index()
        command = [sys.executable, "-m", "tests.kit.dying", str(tmp_path), kept_on.address, step, "live"]
        assert subprocess.run(command, check=False).returncode == DIED, step
        assert (kept_on.identity() == before) == (step != "unlock"), step
        # A service that is open, and one that starts now.
        for library in (reader, kept_on.open(photos.encoder.fingerprint)):
            assert len(library.listing(k=1000)) >= 10
            assert len(library.listing(Filter(folder="a"), k=1000)) > 0
            assert sum(month.photos for month in library.timeline()) == len(library)
        said = kept_on.verify("000001")
        assert all("a change was interrupted" in line for line in said), step
        photos.publish(kept_on)
        assert kept_on.verify("000001") == [], step
        folder = shelf(photos.work).open(photos.encoder.fingerprint)
        found = kept_on.open(photos.encoder.fingerprint)
        assert found.listing(k=1000) == folder.listing(k=1000), step
        assert found.timeline(Filter(folder="a")) == folder.timeline(Filter(folder="a")), step
        folder.close()
    assert kept_on.generations() == ["000001"]
