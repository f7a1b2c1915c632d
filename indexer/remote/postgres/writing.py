"""Fill a new table, in one transaction: what is not finished vanishes."""

import struct
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
from psycopg import errors, sql

from indexer.errors import IndexBusy, IndexProblem
from indexer.remote.database import Batch, Built, Layout
from indexer.remote.postgres import schema
from indexer.remote.postgres.server import Server, Session
from indexer.stores import OnStep

# Below this, comparing everything is fast enough, and finds everything.
_FROM = 20_000
_OLDEST = (0, 8)
_HNSW = "USING hnsw (vector halfvec_ip_ops) WITH (m = 16, ef_construction = 64)"
# What a vector takes in a graph besides its numbers; and the most that is taken without being asked.
_LINKS_BYTES, _MOST_MEMORY = 800, 2**30
_MEMORY = """
SELECT set_config(name, greatest(setting::bigint, %s)::text, true) FROM pg_settings
WHERE name = 'maintenance_work_mem'
"""
_VERSION = """
SELECT getdatabaseencoding(), (SELECT extversion FROM pg_extension WHERE extname = 'vector')
"""
_POLL_SECONDS = 1.0
_PROGRESS = "SELECT tuples_done FROM pg_stat_progress_create_index WHERE pid = %s"


def kind_of(layout: Layout) -> str:
    """The kind of index of a table."""
    if layout.index_type != "auto":
        return layout.index_type
    return "hnsw" if layout.photos >= _FROM else "flat"


def copy_rows(session: Session, name: str, layout: Layout, batch: Batch, options: str) -> None:
    """Send rows in the server's own form, which is the fastest."""
    kinds = schema.columns(layout)
    columns = [batch.columns[column] for column in kinds if column != schema.VECTOR]
    head = struct.pack(">HH", layout.dimension, 0)
    vectors = [head + row.tobytes() for row in np.asarray(batch.vectors, dtype=">f2")]
    copying = f"COPY {name} ({', '.join(kinds)}) FROM STDIN ({options})"
    with session.cursor().copy(copying) as copy:
        copy.set_types([schema.BINARY[kind] for kind in kinds.values()])
        for row in zip(*columns, vectors, strict=True):
            copy.write_row(row)


class PostgresWriter:
    """See `indexer.remote.database.Writer`."""

    def __init__(self, server: Server, name: str, layout: Layout, manifest: str) -> None:
        self._server, self._name, self._layout = server, name, layout
        self._session = server.session()
        try:
            with server.plainly():
                self._create(manifest)
        except BaseException:
            self.close()
            raise

    def add(self, batch: Batch) -> None:
        with self._server.plainly():
            copy_rows(self._session, self._name, self._layout, batch, "FORMAT binary, FREEZE")

    def finish(self, on_step: OnStep) -> Built:
        kind = kind_of(self._layout)
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
        self._session.close()

    def _create(self, manifest: str) -> None:
        session = self._session
        session.execute("BEGIN")
        session.execute("CREATE EXTENSION IF NOT EXISTS vector")
        encoding, version = session.execute(_VERSION).fetchone() or ("", "")
        if encoding != "UTF8" or tuple(map(int, version.split(".")[:2])) < _OLDEST:
            raise IndexProblem(
                f"{self._server.address}: encoding {encoding}, pgvector {version}: sketchseek needs a database in "
                "UTF8, and pgvector 0.8 or newer (ALTER EXTENSION vector UPDATE)"
            )
        try:
            for command in schema.table(self._name, self._layout):
                session.execute(command)
        except (errors.DuplicateTable, errors.UniqueViolation, errors.LockNotAvailable):
            raise IndexBusy(f"{self._server.address}: another indexer is writing {self._name}") from None
        comment = sql.SQL("COMMENT ON TABLE {} IS {}")
        session.execute(comment.format(sql.Identifier(self._name), sql.Literal(manifest)))

    def _index(self, on_step: OnStep) -> None:
        """Build the graph, and tell meanwhile how far it is."""
        session, photos = self._session, self._layout.photos
        needed = min(_MOST_MEMORY, photos * (2 * self._layout.dimension + _LINKS_BYTES))
        session.execute(_MEMORY, [needed // 1024])
        for name, value in self._server.address.options.items():
            if name != "host":
                session.execute("SELECT set_config(%s, %s, true)", [name, value])
        with ThreadPoolExecutor(1) as other:
            building = other.submit(session.execute, f"CREATE INDEX ON {self._name} {_HNSW}")
            try:
                while wait([building], _POLL_SECONDS).not_done:
                    for (done,) in self._server.ask(_PROGRESS, [session.info.backend_pid]):
                        on_step("indexing", min(done, photos), photos)
            except BaseException:
                session.cancel_safe()
                raise
            building.result()
        on_step("indexing", photos, photos)
