"""Write a new collection: insert, flush, index, load; each is waited for until it is really done."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from pymilvus import DataType, MilvusClient

from indexer.errors import IndexProblem
from indexer.remote.database import Batch, Built, Layout
from indexer.remote.milvus.connection import ADMIN_SECONDS, Connection
from indexer.remote.milvus.packing import VECTOR, insert_request
from indexer.stores import OnStep

# Below this, comparing everything is as fast, and finds everything, whatever the filter.
_FROM = 200_000
_HNSW = {"M": 16, "efConstruction": 120}
# Half of the largest message.
_MOST_BYTES = 32 * 2**20
_POLL_SECONDS = 0.25
# Without any progress for so long, the server has given up, without saying so.
STALLED_SECONDS = 900.0


class MilvusWriter:
    """See `indexer.remote.database.Writer`."""

    def __init__(
        self, connection: Connection, collection: str, layout: Layout, kinds: Mapping[str, DataType]
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._layout = layout
        self._kinds = kinds
        self._added = 0

    def add(self, batch: Batch) -> None:
        send(self._connection, self._collection, batch, self._kinds)
        self._added += len(batch)

    def finish(self, on_step: OnStep) -> Built:
        kind = kind_of(self._layout)
        with self._connection.plainly() as client:
            client.flush(self._collection, timeout=STALLED_SECONDS)
            indexed(client, self._collection, kind, self._added, on_step)
            loaded(client, self._collection)
        return Built(kind, exact=kind == "flat")


def kind_of(layout: Layout) -> str:
    """The kind of index of a table."""
    if layout.index_type != "auto":
        return layout.index_type
    return "hnsw" if layout.photos >= _FROM else "flat"


def send(
    connection: Connection,
    collection: str,
    batch: Batch,
    kinds: Mapping[str, DataType],
    *,
    replacing: bool = False,
) -> None:
    """Insert rows, or upsert them; what is too large for one message is sent in parts."""
    request = insert_request(
        connection.database, collection, batch.columns, batch.vectors, kinds, replacing=replacing
    )
    if request.ByteSize() > _MOST_BYTES and len(batch) > 1:
        half = len(batch) // 2
        for part in (slice(0, half), slice(half, None)):
            columns = {name: values[part] for name, values in batch.columns.items()}
            send(connection, collection, Batch(columns, batch.vectors[part]), kinds, replacing=replacing)
        return
    with connection.plainly():
        answer = connection.directly("Upsert" if replacing else "Insert", request, ADMIN_SECONDS)
    stored = answer.upsert_cnt if replacing else answer.insert_cnt
    if answer.status.code or answer.status.error_code or stored != len(batch):
        why = answer.status.reason or f"{stored} of {len(batch)} rows were stored"
        raise IndexProblem(f"{connection.address}: Milvus: {why}")


def indexed(
    client: MilvusClient, collection: str, kind: str, rows: int, on_step: OnStep = lambda *_: None
) -> None:
    """Index the vectors, so many rows at least, and wait until that is done."""
    params = client.prepare_index_params()
    params.add_index(
        VECTOR, index_type=kind.upper(), metric_type="IP", params=_HNSW if kind == "hnsw" else {}
    )
    client.create_index(collection, params, timeout=ADMIN_SECONDS, sync=False)
    all_indexed(client, collection, rows, on_step)


def all_indexed(client: MilvusClient, collection: str, rows: int, on_step: OnStep) -> None:
    """Wait until the rows are indexed; that the state is `Finished` is also said of what failed."""

    def look() -> tuple[int, bool]:
        found: Mapping[str, Any] = client.describe_index(collection, VECTOR, timeout=ADMIN_SECONDS)
        done, total = int(found.get("indexed_rows", 0)), int(found.get("total_rows", rows))
        pending = int(found.get("pending_index_rows", 0))
        on_step("indexing", min(done, rows), rows)
        return done, done >= total >= rows and not pending and found.get("state", "Finished") == "Finished"

    _until(look, f"the index of {collection}")


def loaded(client: MilvusClient, collection: str) -> None:
    """Load a collection for searches; nothing happens if it is loaded."""
    client.load_collection(collection, timeout=ADMIN_SECONDS, _async=True)

    def look() -> tuple[int, bool]:
        state = client.get_load_state(collection, timeout=ADMIN_SECONDS)
        name = getattr(state["state"], "name", str(state["state"]))
        return int(state.get("progress", 0) or 0), name == "Loaded"

    _until(look, collection)


def _until(look: Callable[[], tuple[int, bool]], what: str) -> None:
    before, deadline = -1, time.monotonic() + STALLED_SECONDS
    while True:
        progress, done = look()
        if done:
            return
        if progress != before:
            before, deadline = progress, time.monotonic() + STALLED_SECONDS
        elif time.monotonic() > deadline:
            raise IndexProblem(f"Milvus makes no progress with {what}; see the server's log")
        time.sleep(_POLL_SECONDS)
