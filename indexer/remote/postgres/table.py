"""A generation in a PostgreSQL table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from indexer.conditions import EVERYTHING, Condition
from indexer.remote.database import Built, Matches
from indexer.remote.postgres.expressions import in_postgres
from indexer.remote.postgres.schema import VECTOR
from indexer.remote.postgres.server import ADMIN_SECONDS, Server
from indexer.remote.rows import BIASES
from model.modality import Vectors

# Before the numbers of a halfvec are their count and two zero bytes.
_HEADER = 4
# A limit of pgvector.
_MOST_EFFORT = 1000
# A graph is followed until there are enough that pass.
_GRAPH = {"hnsw.iterative_scan": "strict_order", "hnsw.max_scan_tuples": "2147483647"}


class PostgresTable:
    """See `indexer.remote.database.Table`."""

    most = 50_000

    def __init__(self, server: Server, name: str, dimension: int, built: Built) -> None:
        self._server = server
        self._name = name
        self._dimension = dimension
        self._built = built

    def search(self, query: Vectors, k: int, where: Condition, effort: int) -> Matches:
        condition, values = in_postgres(where)
        numbers = ",".join(map(str, query.reshape(-1).tolist()))
        found = (
            f"SELECT id, {VECTOR} <#> %s::halfvec AS far, grp, {', '.join(BIASES)} "  # noqa: S608
            f"FROM {self._name} WHERE {condition}"
        )
        given = [f"[{numbers}]", *values, k]
        settings = _GRAPH | {"hnsw.ef_search": str(max(1, min(max(effort, k), _MOST_EFFORT)))}
        rows = self._server.search(f"{found} ORDER BY far LIMIT %s", given, settings)
        if len(rows) < k and not self._built.exact:
            # A graph may not lead to all that pass.
            exact = f"SELECT * FROM ({found} OFFSET 0) AS f ORDER BY far LIMIT %s"  # noqa: S608
            rows = self._server.search(exact, given, {})
        columns = list(zip(*rows, strict=True)) or [()] * (3 + len(BIASES))
        return Matches(
            np.array(columns[0], dtype=np.int64),
            -np.array(columns[1], dtype=np.float32),
            np.array(columns[2], dtype=np.int64),
            np.array(columns[3:], dtype=np.float32).T,
        )

    def count(self, where: Condition, *, strong: bool = False) -> int:
        condition, values = in_postgres(where)
        query = f"SELECT count(*) FROM {self._name} WHERE {condition}"  # noqa: S608
        if strong or where == EVERYTHING:
            return int(self._server.ask(query, values, ADMIN_SECONDS)[0][0])
        return int(self._server.search(query, values, {})[0][0])

    def select(self, columns: Sequence[str], where: Condition, most: int) -> Mapping[str, Any]:
        condition, values = in_postgres(where)
        query = f"SELECT {', '.join(columns)} FROM {self._name} WHERE {condition} LIMIT %s"  # noqa: S608
        rows = self._server.search(query, [*values, most], {})
        found: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
        if VECTOR in found:
            halves = b"".join(vector[_HEADER:] for vector in found[VECTOR])
            found[VECTOR] = np.frombuffer(halves, ">f2").astype(np.float32).reshape(-1, self._dimension)
        return found

    def ready(self) -> str | None:
        return None
