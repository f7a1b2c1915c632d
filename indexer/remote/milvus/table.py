"""A generation in a Milvus collection."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pymilvus import MilvusClient, MilvusException

from indexer.conditions import Condition
from indexer.errors import TooFar
from indexer.remote.database import Built, Matches
from indexer.remote.milvus.connection import Connection
from indexer.remote.milvus.expressions import in_milvus
from indexer.remote.milvus.packing import columns_in, query_request
from indexer.remote.rows import BIASES
from model.modality import Vectors

# A limit of Milvus: a search gives no more, and neither does a query.
MOST = 16_384
_METRIC = "IP"
_FIELDS = ["grp", *BIASES]


class MilvusTable:
    """See `indexer.remote.database.Table`. The collection is named, not its alias: it never changes."""

    most = MOST

    def __init__(self, connection: Connection, collection: str, built: Built) -> None:
        self._connection = connection
        self._collection = collection
        self._built = built

    def search(self, query: Vectors, k: int, where: Condition, effort: int) -> Matches:
        if k > MOST:
            raise TooFar(f"this library gives the best {MOST:,} photos of a search, not more")
        params = {} if self._built.exact else {"ef": max(effort, k)}
        found = self._connection.call(
            lambda client: client.search(
                self._collection,
                data=[query.reshape(-1)],
                filter=in_milvus(where),
                limit=k,
                output_fields=_FIELDS,
                search_params={"metric_type": _METRIC, "params": params},
                consistency_level="Eventually",
                timeout=self._connection.access.timeout,
            )
        )[0]
        rows = [hit["entity"] for hit in found]
        return Matches(
            np.array([hit["id"] for hit in found], dtype=np.int64),
            np.array([hit["distance"] for hit in found], dtype=np.float32),
            np.array([row["grp"] for row in rows], dtype=np.int64),
            np.array([[row[name] for name in BIASES] for row in rows], dtype=np.float32).reshape(
                -1, len(BIASES)
            ),
        )

    def count(self, where: Condition, *, strong: bool = False) -> int:
        found = self._connection.call(
            lambda client: client.query(
                self._collection,
                filter=in_milvus(where),
                output_fields=["count(*)"],
                consistency_level="Strong" if strong else "Eventually",
                timeout=self._connection.access.timeout + (10.0 if strong else 0.0),
            )
        )
        return int(found[0]["count(*)"])

    def select(self, columns: Sequence[str], where: Condition, most: int) -> Mapping[str, Any]:
        connection = self._connection
        request = query_request(
            connection.database, self._collection, in_milvus(where), columns, min(most, MOST)
        )

        def ask(_: MilvusClient) -> Any:
            answer = connection.stub.Query(request, timeout=connection.access.timeout)
            if answer.status.code:
                raise MilvusException.from_status(answer.status)
            return answer

        return columns_in(connection.call(ask), columns)

    def ready(self) -> str | None:
        state = self._connection.call(
            lambda client: client.get_load_state(self._collection, timeout=self._connection.access.timeout)
        )
        name = getattr(state["state"], "name", str(state["state"]))
        if name == "Loaded":
            return None
        return f"{self._connection.address}: the server is loading the library ({state.get('progress', 0)} %)"
