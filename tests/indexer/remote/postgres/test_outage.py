"""A PostgreSQL server that restarts, dies, or hangs under those who read."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from indexer.address import Access, Address
from indexer.conditions import EVERYTHING
from indexer.errors import StoreUnavailable
from indexer.remote.database import Table
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.server import OPTIONS
from tests.kit.engines.postgres import PostgresServer
from tests.kit.rows import filled, photo, rows_of, some_vectors
from tests.kit.waiting import until

COUNT = 40


def opened(server: PostgresServer, timeout: float = 30.0) -> PostgresDatabase:
    address = Address.parse(server.address().replace("?", "/library?"), OPTIONS)
    return PostgresDatabase(address, Access(timeout=timeout))


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """One that all of these tests may kill, and leave alive."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def table(own_postgres: PostgresServer) -> Iterator[Table]:
    database = opened(own_postgres)
    batch = rows_of([photo(n, f"{n}.jpg") for n in range(1, COUNT + 1)], some_vectors(COUNT))
    found = filled(database, "000001", batch, texts={"key": "text"})
    database.point("current", "000001")
    yield found
    database.point("current", None)
    database.drop("000001")
    database.close()


def best(table: Table) -> list[int]:
    return [int(one) for one in table.search(some_vectors(1, seed=5), 3, EVERYTHING, 10).ids]


def together(count: int, work: Callable[[], object]) -> None:
    """In so many threads at once, so that each has a connection of its own."""
    start, failed = threading.Barrier(count), []

    def run() -> None:
        start.wait()
        try:
            work()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT, signal.SIGINT])
def test_nobody_notices_a_restart(own_postgres: PostgresServer, table: Table, how: signal.Signals) -> None:
    """Whether by kill -9, or a shutdown at once or in order: all connections are lost, and made anew."""
    database = opened(own_postgres)
    before = best(table)
    together(8, lambda: [best(table) for _ in range(5)])
    assert database.pointer("current") == "000001"
    os.kill(own_postgres.process.pid, how)
    until(lambda: not own_postgres.process.alive)
    own_postgres.restart()
    assert database.pointer("current") == "000001"
    assert best(table) == before
    own_postgres.restart()
    together(8, lambda: [best(table) for _ in range(5)])
    database.close()


def test_connections_that_are_cut_off_are_made_anew(own_postgres: PostgresServer, table: Table) -> None:
    before = best(table)
    with own_postgres.connect() as connection:
        (cut,) = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sketchseek'"
        ).fetchone() or (0,)
    assert cut
    assert best(table) == before


def test_a_dead_server_is_said_to_be_one_until_it_is_back(own_postgres: PostgresServer, table: Table) -> None:
    database, before = opened(own_postgres), best(table)
    own_postgres.kill()
    for _ in range(3):
        for call in (lambda: best(table), database.version, lambda: database.pointer("current")):
            with pytest.raises(StoreUnavailable, match="the PostgreSQL server does not answer"):
                call()
    own_postgres.start()
    assert database.version()
    assert best(table) == before
    assert set(best(table)) <= set(range(1, COUNT + 1))
    database.close()


def test_a_server_that_hangs_is_not_waited_for(own_postgres: PostgresServer, table: Table) -> None:
    """Neither on a connection that is open, nor for a new one."""
    database = opened(own_postgres, timeout=0.1)
    until(lambda: answers(database))
    own_postgres.pause()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.1 s"):
                database.version()
    finally:
        own_postgres.resume()
    until(lambda: answers(database))
    assert best(table)
    database.close()


def answers(database: PostgresDatabase) -> bool:
    try:
        return bool(database.version())
    except StoreUnavailable:
        return False


def test_a_question_that_takes_too_long_ends_on_the_server(own_postgres: PostgresServer) -> None:
    database = opened(own_postgres, timeout=0.2)
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.2 s"):
        database.server.search("SELECT pg_sleep(1000)", (), {})
    with own_postgres.connect() as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(1000)' AND state = 'active'"
        )
        until(lambda: connection.execute(query).fetchone() == (0,))
    database.close()


def test_more_ask_at_once_than_there_are_connections(own_postgres: PostgresServer, table: Table) -> None:
    before = best(table)
    seen: list[list[int]] = []
    together(50, lambda: seen.extend(best(table) for _ in range(4)))
    assert seen == [before] * 200
    with own_postgres.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sketchseek'"

        def used() -> int:
            # What gave up connecting to a server that hung lets go of its socket when Python collects it.
            gc.collect()
            (count,) = connection.execute(query).fetchone() or (0,)
            return int(count)

        # The pool keeps its connections; those of others end on the server a little later.
        until(lambda: used() <= 16)
        assert used() >= 1


def test_settings_of_a_search_end_with_it(table: Table, own_postgres: PostgresServer) -> None:
    """Else they would be those of whoever asks next, and behind a pooler those of others."""
    database = opened(own_postgres)
    database.server.search("SELECT 1", (), {"hnsw.ef_search": "77"})
    for name in ("hnsw.ef_search", "statement_timeout"):
        asked = f"SELECT current_setting('{name}')"
        ((inside,),) = database.server.search(asked, (), {"hnsw.ef_search": "78"})
        assert inside == {"hnsw.ef_search": "78", "statement_timeout": "30s"}[name]
    session = database.server._idle[0]
    assert session.execute("SHOW hnsw.ef_search").fetchone() != ("78",)
    assert session.execute("SHOW statement_timeout").fetchone() == ("0",)
    database.close()
