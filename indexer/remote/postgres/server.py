"""Sessions on a PostgreSQL server: some that read, made when needed and used again, and others that write."""

import logging
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from indexer.address import Access, Address
from indexer.errors import IndexProblem, StoreUnavailable
from indexer.remote.guard import Guard
from indexer.remote.postgres import errors

T = TypeVar("T")
Row = tuple[Any, ...]
PORT = 5432
# Of an address: where the server's socket is, and what it may use to build an index.
OPTIONS = frozenset({"host", "maintenance_work_mem", "max_parallel_maintenance_workers"})
# For what takes the server longer than a search.
ADMIN_SECONDS = 60.0
_MOST_SESSIONS = 16
# The server ends a query that takes too long; if it has not done so by then, it hangs.
_GRACE_SECONDS = 0.5
_SETTINGS = "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)"
_WRITING = (
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 "
    # Others who use a table keep it from being removed, and who has died no longer builds an index.
    "-c lock_timeout=10s -c client_connection_check_interval=5s"
)
# It logs the consequences of an error that it raises.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)


class Session(psycopg.Connection[Row]):
    """A connection that gives up waiting at its deadline."""

    deadline: float | None = None

    def wait(self, gen: Generator[Any, Any, T], *given: Any, **named: Any) -> T:
        return super().wait(self._in_time(gen), *given, **named)

    def _in_time(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Psycopg resumes it several times a second, even if nothing has come."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if self.deadline is not None and time.monotonic() > self.deadline:
                    self.close()
                    raise errors.Late
                wanted = gen.send(ready)
        except StopIteration as end:
            found: T = end.value
            return found

    def __del__(self, *_: Any) -> None:
        # Nobody has to close a shelf.
        self.close()


class Server:
    """Thread-safe. A server that was away is found again when it is back."""

    def __init__(self, address: Address, access: Access) -> None:
        self.address, self.access = address, access
        self.guard = Guard(self.explain)
        self._idle: list[Session] = []
        self._room = threading.BoundedSemaphore(_MOST_SESSIONS)

    def search(self, query: str, values: Sequence[Any], settings: Mapping[str, str]) -> list[Row]:
        """A search or a lookup, on behalf of somebody who waits."""
        return self.guard(self._rows, query, values, self.access.timeout, settings)

    def ask(self, query: str, values: Sequence[Any] = (), seconds: float = ADMIN_SECONDS) -> list[Row]:
        """Anything else that reads."""
        with self.plainly():
            try:
                return self._rows(query, values, seconds)
            except psycopg.Error as error:
                if not getattr(self.explain(error), "at_once", False):
                    raise
                return self._rows(query, values, seconds)

    def session(self) -> Session:
        """A new session, for writing."""
        with self.plainly():
            return self._connected(options=_WRITING)

    @contextmanager
    def plainly(self) -> Iterator[None]:
        """Explain errors."""
        try:
            yield
        except Exception as error:
            if (meaning := self.explain(error)) is None:
                raise
            raise meaning from None

    def explain(self, error: Exception) -> IndexProblem | None:
        return errors.explained(error, self.address, self.access)

    def close(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _rows(
        self, query: str, values: Sequence[Any], seconds: float, settings: Mapping[str, str] | None = None
    ) -> list[Row]:
        settings = {"statement_timeout": f"{seconds * 1000:.0f}", **(settings or {})}
        with self._borrowed() as session:
            session.deadline = time.monotonic() + seconds + _GRACE_SECONDS
            # Sent together, they are one transaction, after which the settings are as before.
            with session.pipeline():
                session.execute(_SETTINGS, [list(settings), list(settings.values())])
                return session.execute(query, values, binary=True).fetchall()

    @contextmanager
    def _borrowed(self) -> Iterator[Session]:
        if not self._room.acquire(timeout=self.access.timeout):
            raise StoreUnavailable(f"{self.address}: too many searches at once; try again")
        try:
            try:
                session = self._idle.pop()
            except IndexError:
                session = self._connected()
            try:
                yield session
            finally:
                if session.info.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(session)
                else:
                    session.close()
                    # Mostly, the others were lost together with it.
                    self.close()
        finally:
            self._room.release()

    def _connected(self, **more: Any) -> Session:
        address, user, password = self.address, self.address.user, self.access.token
        before, _, behind = password.partition(":")
        if behind and user in ("", before):
            user, password = before, behind
        if address.scheme.endswith("+tls"):
            more |= {"sslmode": "verify-full", "sslrootcert": str(self.access.ca or "system")}
        return Session.connect(
            host=address.options.get("host", address.host),
            port=address.port or PORT,
            user=user or None,
            password=password or None,
            dbname=address.above.strip("/"),
            connect_timeout=max(2, round(self.access.timeout)),
            application_name="sketchseek",
            client_encoding="utf8",
            autocommit=True,
            # A plan that is good for any filter is bad for most.
            prepare_threshold=None,
            **more,
        )
