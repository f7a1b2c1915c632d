"""Fill a new table: all in one transaction, so that nothing is left of what was not finished."""

import struct
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import psycopg

from indexer.errors import IndexBusy, IndexProblem
from indexer.remote.database import Batch, Built, Layout
from indexer.remote.postgres import schema
from indexer.remote.postgres.server import Server
from indexer.stores import OnStep

# Below this, comparing everything is fast enough, and finds everything.
_FROM = 20_000
# More have no index in pgvector.
_WIDEST = 4000
_HNSW = "USING hnsw (vector halfvec_ip_ops) WITH (m = 16, ef_construction = 64)"
# Of a vector in the graph, besides its numbers; and what a build takes without being asked.
_LINKS, _MEMORY = 512, 2**30
_POLL_SECONDS = 1.0
_OPTIONS = ("maintenance_work_mem", "max_parallel_maintenance_workers")
_BUILT = "SELECT tuples_done FROM pg_stat_progress_create_index WHERE pid = %s"
_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
_BINARY = {"text": "text", "bigint": "int8", "double precision": "float8", "real": "float4"}


class PostgresWriter:
    """See `indexer.remote.database.Writer`."""

    def __init__(self, server: Server, name: str, layout: Layout, manifest: str) -> None:
        self._server, self._name, self._layout = server, name, layout
        self._kinds = schema.kinds(layout)
        with server.plainly():
            self._session = server.session()
            try:
                self._create(manifest)
            except BaseException:
                self._session.close()
                raise

    def add(self, batch: Batch) -> None:
        columns = [batch.columns[name] for name in list(self._kinds)[:-1]]
        # In binary, a halfvec begins with how many numbers it has.
        head = struct.pack(">HH", self._layout.dimension, 0)
        vectors = [head + row.tobytes() for row in np.asarray(batch.vectors, dtype=">f2")]
        types = [_BINARY.get(kind.split(" COLLATE")[0], "bytea") for kind in self._kinds.values()]
        copying = f"COPY {self._name} ({', '.join(self._kinds)}) FROM STDIN (FORMAT binary, FREEZE)"
        with self._server.plainly(), self._session.cursor().copy(copying) as copy:
            copy.set_types(types)
            for row in zip(*columns, vectors, strict=True):
                copy.write_row(row)

    def finish(self, on_step: OnStep) -> Built:
        kind, layout = self._layout.index_type, self._layout
        if kind == "auto":
            kind = "hnsw" if layout.photos >= _FROM and layout.dimension <= _WIDEST else "flat"
        with self._server.plainly():
            for command in schema.indexes(self._name):
                self._session.execute(command)
            if kind == "hnsw":
                self._index(on_step)
            self._session.execute(f"ANALYZE {self._name}")
            self._session.execute("COMMIT")
        self.close()
        return Built(kind, exact=kind == "flat")

    def close(self) -> None:
        """Whatever was not finished vanishes."""
        self._session.close()

    def _create(self, manifest: str) -> None:
        session = self._session
        session.execute("BEGIN")
        try:
            session.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.errors.InsufficientPrivilege:
            raise self._lacks("an administrator must run: CREATE EXTENSION vector") from None
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
            raise self._lacks("install pgvector 0.8 or newer on the server") from None
        (version,) = session.execute(_VERSION).fetchone() or ("",)
        if [int(part) for part in version.split(".")[:2]] < [0, 8]:
            raise self._lacks(
                f"pgvector is {version}; update it to 0.8 or newer: ALTER EXTENSION vector UPDATE"
            )
        if session.execute("SHOW server_encoding").fetchone() != ("UTF8",):
            raise self._lacks("the database's encoding is not UTF8; create one with that")
        try:
            for command in schema.table(self._name, self._layout):
                session.execute(command)
        except (
            psycopg.errors.DuplicateTable,
            psycopg.errors.LockNotAvailable,
            psycopg.errors.UniqueViolation,
        ):
            raise IndexBusy(f"{self._server.address}: another indexer is writing {self._name}") from None
        session.execute(
            psycopg.sql.SQL("COMMENT ON TABLE {} IS {}").format(psycopg.sql.Identifier(self._name), manifest)
        )

    def _index(self, on_step: OnStep) -> None:
        """Build the graph, and tell meanwhile how far it is."""
        photos = self._layout.photos
        needed = min(_MEMORY, photos * (2 * self._layout.dimension + _LINKS)) // 1024
        self._session.execute(
            "SELECT set_config(name, greatest(setting::bigint, %s)::text, true) FROM pg_settings "
            "WHERE name = 'maintenance_work_mem'",
            [needed],
        )
        given = self._server.address.options
        for name in set(_OPTIONS) & set(given):
            self._session.execute("SELECT set_config(%s, %s, true)", [name, given[name]])
        with ThreadPoolExecutor(1) as other:
            building = other.submit(self._session.execute, f"CREATE INDEX ON {self._name} {_HNSW}")
            try:
                while wait([building], _POLL_SECONDS).not_done:
                    for (done,) in self._server.ask(_BUILT, [self._session.info.backend_pid]):
                        on_step("indexing", min(done, photos), photos)
            except BaseException:
                self._session.cancel_safe()
                raise
            building.result()
        on_step("indexing", photos, photos)

    def _lacks(self, what: str) -> IndexProblem:
        return IndexProblem(f"{self._server.address}: {what}")
