"""A library of the shipped model on a Milvus server, indexed once for all tests of a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model import Encoder
from tests.kit.engines.milvus import MilvusServer
from tests.kit.remote import Stored, store, wipe
from tests.kit.shapes import write_library


@pytest.fixture
def stored(
    tmp_path: Path, own_milvus: MilvusServer, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stored]:
    monkeypatch.setattr("indexer.remote.shelf._GRACE_SECONDS", 0.0)
    found = Stored(
        write_library(tmp_path / "photos", each=2),
        tmp_path / "work",
        own_milvus,
        own_milvus.address("photos"),
    )
    found.publish(encoder)
    yield found
    own_milvus.resume()
    wipe(store(found.address))
