"""Change the rows of a live collection: upsert, delete, flush, and wait for the index.

Milvus marks what is deleted or replaced, and drops it when it compacts, by itself.
"""

from collections.abc import Mapping, Sequence

from pymilvus import DataType

from indexer.remote.database import Batch, Layout
from indexer.remote.lately import in_chunks
from indexer.remote.milvus.connection import ADMIN_SECONDS, Connection
from indexer.remote.milvus.writing import STALLED_SECONDS, all_indexed, loaded, send
from indexer.stores import OnStep


class MilvusChanger:
    """See `indexer.remote.database.Changer`."""

    def __init__(
        self, connection: Connection, collection: str, layout: Layout, kinds: Mapping[str, DataType]
    ) -> None:
        self._connection, self._collection = connection, collection
        self._layout, self._kinds = layout, kinds

    def put(self, batch: Batch) -> None:
        send(self._connection, self._collection, batch, self._kinds, replacing=True)

    def delete(self, ids: Sequence[int]) -> None:
        with self._connection.plainly() as client:
            for some in in_chunks(ids):
                where = f"id in [{', '.join(map(str, some))}]"
                client.delete(self._collection, filter=where, timeout=ADMIN_SECONDS)

    def finish(self, on_step: OnStep) -> None:
        with self._connection.plainly() as client:
            client.flush(self._collection, timeout=STALLED_SECONDS)
            all_indexed(client, self._collection, self._layout.photos, on_step)
            loaded(client, self._collection)
