"""What a PostgreSQL server refuses, and how it is said; passwords are never."""

import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indexer.address import Access, Address
from indexer.conditions import EVERYTHING
from indexer.errors import IndexProblem, StoreUnavailable
from indexer.library import shelf
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.errors import Late, explained
from indexer.remote.postgres.server import OPTIONS
from tests.kit.engines.certificates import made
from tests.kit.engines.postgres import PostgresServer
from tests.kit.engines.tls import TlsFront
from tests.kit.rows import filled, photo, rows_of, some_vectors
from tests.kit.waiting import until

SECRET = "s3cret:with:colons"
ADDRESS = Address.parse("postgresql://somebody@host/photos/library")


def opened(address: str, token: str = "", **options: Any) -> PostgresDatabase:
    return PostgresDatabase(Address.parse(address, OPTIONS), Access(token, **options))


def at(server: PostgresServer, user: str, database: str = "postgres") -> str:
    return server.address(database).replace("postgres@", f"{user}@" if user else "").replace("?", "/library?")


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(StoreUnavailable) as error:
        call()
    assert SECRET not in str(error.value)
    return str(error.value)


@pytest.fixture(scope="module")
def strict() -> Iterator[PostgresServer]:
    """All but its administrator need a password."""
    with PostgresServer() as server, server.connect() as connection:
        connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
        connection.execute("CREATE EXTENSION vector")
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (server.folder / "data" / "pg_hba.conf").write_text(rules)
        connection.execute("SELECT pg_reload_conf()")
        # In force for whoever connects once a connection without a password is refused.
        until(lambda: not lets_in(server))
        yield server


def lets_in(server: PostgresServer) -> bool:
    try:
        psycopg.connect(server.address().replace("postgres@", "reader@")).close()
    except psycopg.OperationalError:
        return False
    return True


def test_passwords(strict: PostgresServer) -> None:
    for token in (SECRET, f"reader:{SECRET}"):
        database = opened(at(strict, "reader"), token)
        assert database.version()
        database.close()
    without_user = opened(at(strict, ""), f"reader:{SECRET}")
    assert without_user.version()
    without_user.close()
    for user, token in (
        ("reader", "wrong"),
        ("reader", ""),
        ("nobody", SECRET),
        ("reader", f"other:{SECRET}"),
    ):
        database = opened(at(strict, user), token)
        said = refused(database.version)
        assert "the server refuses the user or the password; set SKETCHSEEK_STORE_TOKEN" in said
        steps = list(database.steps())
        assert [step.good for step in steps] == [False]
        assert "set SKETCHSEEK_STORE_TOKEN to USER:PASSWORD" in str(steps[0].advice)
        assert SECRET not in repr(steps)


def test_no_such_database(postgres_server: PostgresServer) -> None:
    said = refused(opened(at(postgres_server, "postgres", "nowhere")).version)
    assert "the server has no such database" in said


def test_an_address_without_a_database() -> None:
    with pytest.raises(IndexProblem, match="names no database"):
        shelf("postgresql://host/library")


def test_nothing_listens_there(tmp_path: Path) -> None:
    database = opened(f"postgresql://postgres@/postgres/library?host={tmp_path}")
    assert "does not answer" in refused(database.version)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = opened(f"postgresql://postgres@127.0.0.1:{port}/postgres/library")
    assert "Connection refused" in refused(database.version)
    (step,) = database.steps()
    assert (step.good, step.text) == (False, f"127.0.0.1:{port}: nothing listens there (Connection refused)")


def test_who_may_not_write_or_read(strict: PostgresServer) -> None:
    batch = rows_of([photo(1, "a.jpg")], some_vectors(1))
    owner, reader = opened(at(strict, "postgres")), opened(at(strict, "reader"), SECRET)
    filled(owner, "000001", batch, texts={"key": "text"})
    owner.point("current", "000001")
    assert "let the indexer's user create tables" in refused(lambda: reader.point("current", None))
    assert "ALTER DEFAULT PRIVILEGES" in refused(lambda: reader.pointer("current"))
    assert [step.good for step in reader.steps()] == [True, False]
    with strict.connect() as connection:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    assert reader.pointer("current") == "000001"
    assert [step.good for step in reader.steps()] == [True, True]
    assert "may not do this" in refused(lambda: reader.drop("000002") or reader.point("held", "000001"))
    owner.close()
    reader.close()


def test_the_extension_is_asked_for(strict: PostgresServer) -> None:
    with strict.connect() as connection:
        connection.execute("CREATE DATABASE bare OWNER reader")
    batch = rows_of([photo(1, "a.jpg")], some_vectors(1))
    bare = opened(at(strict, "reader", "bare"), SECRET)
    assert "the extension vector is missing" in [step.text for step in bare.steps()][1]
    with pytest.raises(IndexProblem, match="let an administrator run CREATE EXTENSION vector"):
        filled(bare, "000001", batch)
    with strict.connect("bare") as connection:
        connection.execute("CREATE EXTENSION vector")
    assert len(filled(bare, "000001", batch).select(["id"], EVERYTHING, 9)["id"]) == 1
    assert [step.good for step in bare.steps()] == [True, True]
    bare.close()


def test_a_database_in_another_encoding(strict: PostgresServer) -> None:
    with strict.connect() as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    latin = opened(at(strict, "postgres", "latin"))
    with pytest.raises(IndexProblem, match=r"encoding LATIN1.*needs a database in UTF8"):
        filled(latin, "000001", rows_of([photo(1, "a.jpg")], some_vectors(1)))
    assert latin.generations() == {}
    latin.close()


def test_a_server_that_is_for_reading_only(postgres_address: str, postgres_server: PostgresServer) -> None:
    database = opened(postgres_address.replace("?", "/library?"))
    name = database.server.address.above.strip("/")
    with postgres_server.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(IndexProblem, match="use the address of its primary"):
        database.point("current", "000001")
    database.close()


def test_tls(postgres_server: PostgresServer, tmp_path: Path) -> None:
    ours, theirs = made(tmp_path / "ours"), made(tmp_path / "theirs")
    other_name = made(tmp_path / "other", "elsewhere.example")
    behind = postgres_server.folder / ".s.PGSQL.5432"
    with TlsFront(behind, ours) as front:
        address = f"postgresql+tls://postgres@127.0.0.1:{front.port}/postgres/library"
        database = opened(address, ca=ours.authority)
        assert database.version()
        assert all(step.good for step in database.steps())
        database.close()
        for access in ({"ca": theirs.authority}, {}):
            strange = opened(address, **access)
            assert "certificate is not trusted; set SKETCHSEEK_STORE_CA" in refused(strange.version)
            assert [step.good for step in strange.steps()] == [True, False]
    with TlsFront(behind, other_name) as front:
        address = f"postgresql+tls://postgres@127.0.0.1:{front.port}/postgres/library"
        said = refused(opened(address, ca=other_name.authority).version)
        assert "certificate is for another host name" in said


CASES = [
    (psycopg.errors.DiskFull("could not extend file: No space left on device"), IndexProblem, "no room"),
    (psycopg.errors.DiskFull("could not resize shared memory segment"), IndexProblem, "--shm-size"),
    (psycopg.errors.OutOfMemory("out of memory"), IndexProblem, "no room"),
    (psycopg.errors.AdminShutdown("terminating connection"), StoreUnavailable, "restarting"),
    (psycopg.errors.CannotConnectNow("the database system is starting up"), StoreUnavailable, "restarting"),
    (psycopg.errors.SerializationFailure("conflict with recovery"), StoreUnavailable, "restarting"),
    (psycopg.errors.QueryCanceled("statement timeout"), StoreUnavailable, "did not answer within 2 s"),
    (psycopg.errors.ConnectionTimeout("timeout"), StoreUnavailable, "did not answer within 2 s"),
    (Late(), StoreUnavailable, "did not answer within 2 s"),
    (psycopg.errors.UndefinedTable('relation "x" does not exist'), StoreUnavailable, "was removed"),
    (psycopg.errors.LockNotAvailable("lock timeout"), StoreUnavailable, "try again"),
    (psycopg.errors.UndefinedFile('extension "vector" is not available'), IndexProblem, "install pgvector"),
    (
        psycopg.errors.SyntaxError("syntax error\nLINE 1: SELECT"),
        IndexProblem,
        "PostgreSQL: syntax error; run",
    ),
    (
        psycopg.OperationalError("FATAL:  the database system is shutting down"),
        StoreUnavailable,
        "not answer",
    ),
    (psycopg.OperationalError("failed to resolve host 'x'"), StoreUnavailable, "no such host"),
    (psycopg.OperationalError("server does not support SSL, but SSL was required"), StoreUnavailable, "TLS"),
    (
        psycopg.OperationalError("FATAL:  sorry, too many clients already"),
        StoreUnavailable,
        "max_connections",
    ),
    (psycopg.OperationalError('no pg_hba.conf entry for "x", no encryption'), StoreUnavailable, "wants TLS"),
]


@pytest.mark.parametrize(("error", "kind", "words"), CASES, ids=lambda value: str(value)[:30])
def test_errors_are_explained(error: Exception, kind: type[IndexProblem], words: str) -> None:
    meaning = explained(error, ADDRESS, Access(SECRET))
    assert type(meaning) is kind
    assert str(meaning).startswith("postgresql://somebody@host/photos/library: ")
    assert words in str(meaning)
    assert "\n" not in str(meaning)


def test_errors_of_others_are_left_to_them() -> None:
    for error in (ValueError("x"), StoreUnavailable("x"), KeyError("x")):
        assert explained(error, ADDRESS, Access()) is None


def test_a_name_nobody_has_chosen_is_refused_as_a_generation(postgres_address: str) -> None:
    database = opened(postgres_address.replace("?", "/library?"))
    database.point("current", f"1; DROP TABLE library__pointers; -- {secrets.token_hex(2)}")
    with pytest.raises(IndexProblem, match="is no generation"):
        database.manifest(str(database.pointer("current")))
    database.close()
