"""A library in a PostgreSQL database: tables for its generations, and a table of pointers."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress

import psycopg

from indexer.address import Access, Address
from indexer.errors import IndexBusy, IndexProblem
from indexer.remote.database import CURRENT, HELD, Built, Layout
from indexer.remote.diagnosis import Step
from indexer.remote.postgres.changing import PostgresChanger
from indexer.remote.postgres.diagnosis import steps
from indexer.remote.postgres.schema import named
from indexer.remote.postgres.server import ADMIN_SECONDS, Row, Server, Session
from indexer.remote.postgres.table import PostgresTable
from indexer.remote.postgres.writing import PostgresWriter, kind_of
from indexer.values import Traffic

_VERSION = """
SELECT current_setting('server_version')
|| coalesce((SELECT ', pgvector ' || extversion FROM pg_extension WHERE extname = 'vector'), '')
"""
_MANIFESTS = """
SELECT relname, obj_description(oid, 'pg_class') FROM pg_class
WHERE relkind = 'r' AND relname ~ %s AND pg_table_is_visible(oid)
"""
_LOCK = """
SELECT pg_try_advisory_lock(hashtextextended(concat('sketchseek ', current_schema(), ' ', %s::text), 0)),
set_config('application_name', %s, false)
"""


class PostgresDatabase:
    """See `indexer.remote.database.Database`."""

    kind = "postgresql"
    index_types: tuple[str, ...] = ("auto", "flat", "hnsw")

    def __init__(self, address: Address, access: Access) -> None:
        self.server = Server(address, access)
        self._name = address.name
        self._pointers = f"{address.name}__pointers"
        # The one that holds the lock, and what it fills.
        self._session: Session | None = None
        self._writer: PostgresWriter | None = None

    @property
    def traffic(self) -> Traffic:
        return self.server.guard.traffic

    def version(self) -> str:
        # Not by the guard: it is what finds out that a server is back.
        return str(self.server.ask(_VERSION, seconds=self.server.access.timeout)[0][0])

    def generations(self) -> Mapping[str, str]:
        found = self._manifests(f"^{self._name}__g[0-9]{{6,12}}$")
        return {name: found[name] for name in sorted(found)}

    def manifest(self, generation: str) -> str | None:
        return self._manifests(f"^{named(self._name, 'g', generation)}$").get(generation)

    def pointer(self, which: str) -> str | None:
        found: dict[str, str] = dict(
            self._rows(self._pointers, "which, generation", self.server.access.timeout)
        )
        return found.get(which)

    def point(self, which: str, generation: str | None) -> None:
        with self._changing() as session:
            session.execute(
                f"CREATE TABLE IF NOT EXISTS {self._pointers} (which text PRIMARY KEY, generation text NOT NULL)"
            )
            session.execute(f"DELETE FROM {self._pointers} WHERE which = %s", [which])  # noqa: S608
            if generation is not None:
                session.execute(f"INSERT INTO {self._pointers} VALUES (%s, %s)", [which, generation])  # noqa: S608

    def create(self, generation: str, layout: Layout, manifest: str) -> PostgresWriter:
        self._writer = PostgresWriter(self.server, named(self._name, "g", generation), layout, manifest)
        return self._writer

    def kind_of(self, layout: Layout) -> str:
        return kind_of(layout)

    @contextmanager
    def change(self, generation: str, layout: Layout) -> Iterator[PostgresChanger]:
        with self._changing() as session:
            yield PostgresChanger(session, named(self._name, "g", generation), layout)

    def table(self, generation: str, layout: Layout, built: Built) -> PostgresTable:
        return PostgresTable(self.server, named(self._name, "g", generation), layout.dimension, built)

    def load(self, generation: str) -> None:
        """Nothing: PostgreSQL reads what it needs."""

    def unload(self, generation: str) -> None:
        """Nothing: PostgreSQL forgets what it does not need."""

    def drop(self, generation: str) -> None:
        if self._writer is not None:
            self._writer.close()
        if generation in (self.pointer(CURRENT), self.pointer(HELD)):
            raise IndexProblem(f"{self.server.address}: generation {generation} is in use")
        with self._changing() as session:
            for kind in "tg":
                session.execute(f"DROP TABLE IF EXISTS {named(self._name, kind, generation)}")

    def write_texts(self, generation: str, texts: Iterable[tuple[str, str]]) -> None:
        name = named(self._name, "t", generation)
        with self._changing() as session:
            session.execute(f"CREATE TABLE IF NOT EXISTS {name} (key text PRIMARY KEY, text text NOT NULL)")
            session.execute(f"DELETE FROM {name}")  # noqa: S608
            for key, text in texts:
                session.execute(f"INSERT INTO {name} VALUES (%s, %s)", [key, text])  # noqa: S608

    def read_texts(self, generation: str) -> Mapping[str, str]:
        return dict(self._rows(named(self._name, "t", generation), "key, text"))

    def read_text(self, generation: str, key: str) -> str | None:
        query = f"SELECT text FROM {named(self._name, 't', generation)} WHERE key = %s"  # noqa: S608
        found = self.server.ask(query, [key], self.server.access.timeout)
        return str(found[0][0]) if found else None

    @contextmanager
    def writing(self, owner: str) -> Iterator[None]:
        """Under a lock of its session: the server releases it if this process dies."""
        with closing(self.server.session()) as session:
            with self.server.plainly():
                alone, _ = session.execute(_LOCK, [self._name, owner]).fetchone() or (False, "")
            if not alone:
                raise IndexBusy(
                    f"{self.server.address}: another indexer is writing to this library; wait until it is done"
                )
            self._session = session
            try:
                yield
            finally:
                self._session = None
                # By closing alone, it would be released some time afterwards.
                with suppress(psycopg.Error):
                    session.execute("SELECT pg_advisory_unlock_all()")

    def steps(self) -> Iterator[Step]:
        return steps(self.server, self)

    def close(self) -> None:
        self.server.close()

    @contextmanager
    def _changing(self) -> Iterator[Session]:
        """A transaction in the session that holds the lock: without the lock, nothing is changed."""
        with (
            nullcontext(self._session) if self._session else closing(self.server.session()) as session,
            self.server.plainly(),
            session.transaction(),
        ):
            yield session

    def _manifests(self, pattern: str) -> dict[str, str]:
        rows = self.server.ask(_MANIFESTS, [pattern])
        return {name.rpartition("__g")[2]: manifest or "" for name, manifest in rows}

    def _rows(self, name: str, columns: str, seconds: float = ADMIN_SECONDS) -> list[Row]:
        """All rows of a table; none if there is no such table."""
        if self.server.ask("SELECT to_regclass(%s) IS NULL", [name], seconds) == [(True,)]:
            return []
        return self.server.ask(f"SELECT {columns} FROM {name}", (), seconds)  # noqa: S608
