"""A library on a Milvus server: what it is asked, and how often."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from indexer.address import Access, Address
from indexer.remote.database import Layout
from indexer.remote.milvus import schema
from indexer.remote.milvus.database import MilvusDatabase
from tests.kit.remote import lite

Fixture = Callable[[str], Any]
LAYOUT = Layout(30, 8)
ADDRESSES: dict[str, Callable[[Path, Fixture], str]] = {
    "milvus": lambda _, fixture: str(fixture("milvus_address")),
    "milvus+lite": lambda folder, _: lite(folder),
}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.slow if kind == "milvus" else ()) for kind in ADDRESSES],
)
def test_what_a_generation_says_of_itself_takes_one_request(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Address.parse(ADDRESSES[kind](tmp_path, request.getfixturevalue))
    with closing(MilvusDatabase(address, Access(timeout=30.0))) as database:
        database.create("000001", LAYOUT, "a manifest")
        stub, asked = database.connection.client._handler._stub, []
        describe = stub.DescribeCollection

        def noted(wanted: Any, **how: Any) -> Any:
            asked.append(wanted.collection_name)
            return describe(wanted, **how)

        monkeypatch.setattr(stub, "DescribeCollection", noted)
        # Milvus Lite keeps it among the texts, which are written last.
        said = database.manifest("000001")
        assert said == ("" if kind == "milvus+lite" else "a manifest")
        assert database.manifest("000002") is None
        for generation in ("000001", "000002"):
            assert asked.count(schema.table_name(address.name, generation)) == 1
        database.drop("000001")
        assert database.manifest("000001") is None
