"""A generation in a Milvus collection."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from indexer.conditions import Condition
from indexer.errors import TooFar
from indexer.remote.database import Built, Matches
from indexer.remote.milvus.connection import Connection
from indexer.remote.milvus.expressions import in_milvus
from indexer.remote.milvus.packing import columns_in, query_request, search_request
from indexer.remote.rows import BIASES
from model.modality import Vectors

# A limit of Milvus: a search gives no more, and neither does a query.
MOST = 16_384
_METRIC = "IP"
_FIELDS = ("grp", *BIASES)
# With everything that was written until now, a search waits for the server's next tick, and for nodes that lag.
_STRONG_SECONDS = 10.0


class MilvusTable:
    """See `indexer.remote.database.Table`. The collection is named, not its alias: it never changes."""

    most = MOST

    def __init__(self, connection: Connection, collection: str, built: Built, kind: DataType) -> None:
        """`kind` is the type of its vectors."""
        self._connection = connection
        self._collection = collection
        self._built = built
        self._kind = kind

    def search(
        self, query: Vectors, k: int, where: Condition, effort: int, *, strong: bool = False
    ) -> Matches:
        if k > MOST:
            raise TooFar(f"this library gives the best {MOST:,} photos of a search, not more")
        request = search_request(
            self._connection.database,
            self._collection,
            query,
            self._kind,
            in_milvus(where),
            _FIELDS,
            {
                "topk": k,
                "metric_type": _METRIC,
                "params": {} if self._built.exact else {"ef": max(effort, k)},
            },
            strong=strong,
        )
        results = self._answer("Search", request, strong=strong).results
        found = columns_in(results, _FIELDS)
        return Matches(
            np.array(results.ids.int_id.data, dtype=np.int64),
            np.array(results.scores, dtype=np.float32),
            np.array(found["grp"], dtype=np.int64),
            np.array([found[name] for name in BIASES], dtype=np.float32).T.reshape(-1, len(BIASES)),
        )

    def count(self, where: Condition, *, strong: bool = False) -> int:
        found = self._connection.call(
            lambda client: client.query(
                self._collection,
                filter=in_milvus(where),
                output_fields=["count(*)"],
                consistency_level="Strong" if strong else "Eventually",
                timeout=self._connection.access.timeout + (_STRONG_SECONDS if strong else 0.0),
            )
        )
        return int(found[0]["count(*)"])

    def select(
        self, columns: Sequence[str], where: Condition, most: int, *, strong: bool = False
    ) -> Mapping[str, Any]:
        base, name = self._connection.database, self._collection
        request = query_request(base, name, in_milvus(where), columns, min(most, MOST), strong=strong)
        return columns_in(self._answer("Query", request, strong=strong), columns)

    def ready(self) -> str | None:
        state = self._connection.call(
            lambda client: client.get_load_state(self._collection, timeout=self._connection.access.timeout)
        )
        name = getattr(state["state"], "name", str(state["state"]))
        if name == "Loaded":
            return None
        if name == "NotLoad":
            return f"{self._collection}: the server has not loaded it; load it with: sketchseek rollback, or publish"
        return f"{self._collection}: the server is loading it ({state.get('progress', 0)} %)"

    def _answer(self, call: str, request: Any, *, strong: bool) -> Any:
        """One of Milvus's own calls."""
        connection = self._connection
        seconds = connection.access.timeout + (_STRONG_SECONDS if strong else 0.0)

        def ask(_: MilvusClient) -> Any:
            answer = connection.directly(call, request, seconds)
            if answer.status.code or answer.status.error_code:
                raise MilvusException.from_status(answer.status)
            return answer

        return connection.call(ask)
