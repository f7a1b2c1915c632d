"""A generation in a PostgreSQL table."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from indexer.conditions import EVERYTHING, Condition
from indexer.remote.database import Built, Matches
from indexer.remote.postgres.expressions import in_postgres
from indexer.remote.postgres.schema import VECTOR
from indexer.remote.postgres.server import ADMIN_SECONDS, Server
from indexer.remote.rows import BIASES
from model.modality import Vectors

# Where no more pass, comparing all of them is faster than a graph, and finds everything.
_FEW = 5000
# A limit of pgvector.
_MOST_EFFORT = 1000
# A graph is followed until enough that pass are found.
_GRAPH = {"hnsw.iterative_scan": "strict_order", "hnsw.max_scan_tuples": "2147483647"}
_FIELDS = ("id", "grp", *BIASES)
# Before its numbers, a halfvec says how many, and something else.
_HEADER_BYTES = 4
_REMEMBERED = 64


class PostgresTable:
    """See `indexer.remote.database.Table`."""

    most = 50_000

    def __init__(self, server: Server, name: str, dimension: int, built: Built) -> None:
        self._server, self._name = server, name
        self._dimension = dimension
        self._built = built
        self._known = lru_cache(_REMEMBERED)(self._counted)

    def search(
        self, query: Vectors, k: int, where: Condition, effort: int, *, strong: bool = False
    ) -> Matches:
        condition, values = in_postgres(where)
        found = (
            f"SELECT {', '.join(_FIELDS)}, {VECTOR} <#> %s::halfvec AS far "  # noqa: S608
            f"FROM {self._name} WHERE {condition}"
        )
        graph = f"{found} ORDER BY far LIMIT %s"
        # Sorting what an inner query found makes no use of a graph.
        exact = f"SELECT * FROM ({found} OFFSET 0) AS found ORDER BY far LIMIT %s"  # noqa: S608
        given = [str(query.reshape(-1).tolist()), *values, k]
        settings = _GRAPH | {"hnsw.ef_search": str(max(1, min(max(effort, k), _MOST_EFFORT)))}
        follow = self._built.exact or where == EVERYTHING or self._known(where) > _FEW
        rows = self._server.search(graph, given, settings) if follow else []
        # A graph may not lead to all that pass.
        if not self._built.exact and len(rows) < min(k, self._known(where)):
            rows = self._server.search(exact, given, {})
        *named, far = zip(*rows, strict=True) if rows else [()] * (len(_FIELDS) + 1)
        ids, groups, *biases = (np.array(column) for column in named)
        return Matches(
            ids.astype(np.int64),
            -np.array(far, dtype=np.float32),
            groups.astype(np.int64),
            np.array(biases, dtype=np.float32).T,
        )

    def count(self, where: Condition, *, strong: bool = False) -> int:
        return self._counted(where) if strong else self._known(where)

    def select(
        self, columns: Sequence[str], where: Condition, most: int, *, strong: bool = False
    ) -> Mapping[str, Any]:
        condition, values = in_postgres(where)
        query = f"SELECT {', '.join(columns)} FROM {self._name} WHERE {condition} LIMIT %s"  # noqa: S608
        given = [*values, most]
        rows = self._server.ask(query, given) if strong else self._server.search(query, given, {})
        found: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
        return found | {name: self._vectors(found[name]) for name in columns if name == VECTOR}

    def ready(self) -> str | None:
        return None

    def _counted(self, where: Condition) -> int:
        condition, values = in_postgres(where)
        query = f"SELECT count(*) FROM {self._name} WHERE {condition}"  # noqa: S608
        if where == EVERYTHING:
            return int(self._server.ask(query, values, ADMIN_SECONDS)[0][0])
        return int(self._server.search(query, values, {})[0][0])

    def _vectors(self, stored: Sequence[bytes]) -> Vectors:
        halves = b"".join(vector[_HEADER_BYTES:] for vector in stored)
        return np.frombuffer(halves, ">f2").astype(np.float32).reshape(-1, self._dimension)
