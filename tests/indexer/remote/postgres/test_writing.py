"""Writing to PostgreSQL: what is not finished leaves nothing, and nobody writes beside another."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import run, shelf
from indexer.address import Access, Address
from indexer.catalogue.database import Catalogue
from indexer.collection import Collection
from indexer.conditions import EVERYTHING
from indexer.errors import BrokenGeneration, IndexBusy, IndexProblem, StoreUnavailable
from indexer.remote.database import CURRENT, HELD, Built, Layout
from indexer.remote.postgres import writing as writing_module
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.server import OPTIONS, Session
from indexer.remote.shelf import RemoteShelf
from indexer.reports.progress import Silent
from indexer.shards.shard import Origin
from tests.kit import TOP
from tests.kit.engines.postgres import PostgresServer
from tests.kit.rows import filled, photo, rows_of, some_vectors
from tests.kit.standin import DIMENSION, InThread, StandIn, write_photo
from tests.kit.waiting import until


def opened(address: str, options: str = "") -> PostgresDatabase:
    return PostgresDatabase(
        Address.parse(address.replace("?", "/library?") + options, OPTIONS), Access(timeout=30.0)
    )


@pytest.fixture
def database(postgres_address: str) -> Iterator[PostgresDatabase]:
    found = opened(postgres_address)
    yield found
    found.close()


def tables(database: PostgresDatabase) -> list[str]:
    query = "SELECT relname::text FROM pg_class WHERE relname LIKE 'library%%' AND relkind IN ('r', 'i') ORDER BY 1"
    return [name for (name,) in database.server.ask(query)]


BATCH = rows_of([photo(n, f"{n}.jpg") for n in range(1, 31)], some_vectors(30))
LAYOUT = Layout(30, 8, 0, 0, "flat")


def test_pointers_and_texts(database: PostgresDatabase) -> None:
    assert (database.pointer(CURRENT), database.generations(), database.manifest("000001")) == (
        None,
        {},
        None,
    )
    assert database.read_texts("000001") == {}
    texts = {
        "counts": json.dumps({"a\0b": "\"'\\\n写"}),
        "empty": "",
        "long": "x" * 3_000_000,
        "'; --": "%s %(a)s",
    }
    filled(database, "000001", BATCH, texts=texts)
    filled(database, "000002", BATCH)
    assert database.read_texts("000001") == texts
    assert database.read_texts("000002") == {}
    assert database.generations() == {name: json.dumps({"generation": name}) for name in ("000001", "000002")}
    assert database.manifest("000002") == '{"generation": "000002"}'
    for name in ("000001", "000002"):
        database.point(CURRENT, name)
        database.point(HELD, "000001")
        assert (database.pointer(CURRENT), database.pointer(HELD)) == (name, "000001")
    for used in ("000001", "000002"):
        with pytest.raises(IndexProblem, match="is in use"):
            database.drop(used)
    database.point(HELD, None)
    database.point(HELD, None)
    database.drop("000001")
    assert (database.pointer(HELD), list(database.generations())) == (None, ["000002"])
    assert database.read_texts("000001") == {}
    database.drop("000003")
    with pytest.raises(BrokenGeneration, match="is no generation"):
        database.drop("x; DROP TABLE y")


def test_libraries_of_one_database_do_not_know_of_each_other(postgres_address: str) -> None:
    names = ("photo", "photos", "photo_s")
    found = [
        PostgresDatabase(Address.parse(postgres_address.replace("?", f"/{name}?"), OPTIONS), Access())
        for name in names
    ]
    for number, each in enumerate(found, 1):
        filled(each, f"{number:06d}", BATCH, texts={"key": str(number)})
        each.point(CURRENT, f"{number:06d}")
    for number, each in enumerate(found, 1):
        assert list(each.generations()) == [f"{number:06d}"]
        assert (each.pointer(CURRENT), each.read_texts(f"{number:06d}")) == (
            f"{number:06d}",
            {"key": str(number)},
        )
    with found[0].writing("one"), found[1].writing("another"):
        pass
    for each in found:
        each.close()


def test_texts_come_whole_or_not_at_all(database: PostgresDatabase) -> None:
    def some() -> Iterator[tuple[str, str]]:
        yield "one", "text"
        raise OSError("disk")

    filled(database, "000001", BATCH)
    with pytest.raises(OSError, match="disk"):
        database.write_texts("000001", some())
    assert database.read_texts("000001") == {}


def test_nothing_is_left_of_what_is_not_finished(database: PostgresDatabase) -> None:
    writer = database.create("000001", LAYOUT, "{}")
    writer.add(BATCH)
    assert (database.generations(), tables(database)) == ({}, [])
    # As a publication that fails does.
    database.drop("000001")
    with pytest.raises(IndexProblem):
        writer.add(BATCH)
    assert tables(database) == []
    # And the same name is free again.
    assert filled(database, "000001", BATCH).count(EVERYTHING) == 30


def test_two_rows_of_one_photo_are_refused(database: PostgresDatabase) -> None:
    writer = database.create("000001", LAYOUT, "{}")
    writer.add(BATCH)
    writer.add(BATCH)
    with pytest.raises(IndexProblem, match="could not create unique index"):
        writer.finish(lambda *_: None)
    database.drop("000001")
    assert tables(database) == []


def test_who_makes_the_same_table_is_refused(database: PostgresDatabase, postgres_address: str) -> None:
    filled(database, "000001", BATCH)
    with pytest.raises(IndexBusy, match="another indexer is writing library__g000001"):
        database.create("000001", LAYOUT, "{}")


def test_an_index_is_built_as_asked_for(postgres_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With so much memory and so many workers; on the way, somebody hears how far it is."""
    monkeypatch.setattr(writing_module, "_POLL_SECONDS", 0.005)
    database = opened(postgres_address, "&maintenance_work_mem=32MB&max_parallel_maintenance_workers=0")
    count, told, seen = 4000, [], []
    batch = rows_of([photo(n, f"{n}.jpg") for n in range(1, count + 1)], some_vectors(count))
    layout = Layout(count, 8, 0, 0, "hnsw")
    execute = Session.execute

    def watched(self: Session, query: Any, *given: Any, **named: Any) -> Any:
        if "hnsw (" in str(query):
            shown = ("maintenance_work_mem", "max_parallel_maintenance_workers")
            seen.extend(execute(self, f"SHOW {name}").fetchone() for name in shown)
        return execute(self, query, *given, **named)

    monkeypatch.setattr(Session, "execute", watched)
    writer = database.create("000001", layout, "{}")
    writer.add(batch)
    built = writer.finish(lambda *step: told.append(step))
    assert (built.kind, built.exact) == ("hnsw", False)
    assert seen == [("32MB",), ("0",)]
    assert told[-1] == ("indexing", count, count)
    assert len(told) > 1
    assert [step[1] for step in told] == sorted(step[1] for step in told)
    database.close()


def test_a_build_that_is_interrupted_ends_on_the_server(
    database: PostgresDatabase, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = postgres_server.process.log.stat().st_size
    monkeypatch.setattr(writing_module, "_POLL_SECONDS", 0.005)
    count = 4000
    writer = database.create("000001", Layout(count, 64, 0, 0, "hnsw"), "{}")
    writer.add(rows_of([photo(n, f"{n}.jpg") for n in range(1, count + 1)], some_vectors(count, 64)))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.finish(interrupted)
    assert database.server.ask("SELECT count(*) FROM pg_stat_progress_create_index") == [(0,)]
    assert "canceling statement due to user request" in postgres_server.process.log.read_text()[before:]
    database.drop("000001")
    assert tables(database) == []


@pytest.mark.parametrize(
    ("photos", "wanted", "kind"), [(30, "auto", "flat"), (60_000, "auto", "hnsw"), (30, "hnsw", "hnsw")]
)
def test_small_libraries_have_no_graph(
    database: PostgresDatabase, photos: int, wanted: str, kind: str
) -> None:
    writer = database.create("000001", Layout(photos, 8, 0, 0, wanted), "{}")
    writer.add(BATCH)
    built = writer.finish(lambda *_: None)
    assert (built.kind, built.exact) == (kind, kind == "flat")
    assert ("library__g000001_vector_idx" in tables(database)) is (kind == "hnsw")


def test_who_holds_the_lock_is_named_to_the_administrator(
    database: PostgresDatabase, postgres_address: str
) -> None:
    other = opened(postgres_address)
    with database.writing("publication 123"):
        rows = other.server.ask(
            "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'publi%%'"
        )
        assert rows == [("publication 123",)]
        with pytest.raises(IndexBusy, match="another indexer is writing to this library"), other.writing("x"):
            pass
    with other.writing("x"):
        pass
    other.close()


def test_without_its_lock_nothing_is_changed(database: PostgresDatabase) -> None:
    """The connection that held it was lost: another may hold it by now."""
    filled(database, "000001", BATCH, texts={"key": "text"})
    with database.writing("one"):
        database.server.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'one'"
        )
        with pytest.raises(StoreUnavailable):
            database.point(CURRENT, "000001")
    assert database.pointer(CURRENT) is None
    with database.writing("two"):
        database.point(CURRENT, "000001")
    assert database.pointer(CURRENT) == "000001"


def publisher(address: str, script: str) -> subprocess.Popen[str]:
    """A process that begins to publish, says so, and waits to be killed."""
    begin = """
import sys, threading
from indexer.address import Access, Address
from indexer.remote.database import Layout
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.server import OPTIONS
from tests.kit.engines.postgres import PostgresServer
from tests.kit.rows import photo, rows_of, some_vectors
database = PostgresDatabase(Address.parse(sys.argv[1], OPTIONS), Access(timeout=30.0))
def ready():
    print("ready", flush=True)
    threading.Event().wait()
"""
    return subprocess.Popen(
        [sys.executable, "-c", begin + script, address.replace("?", "/library?")],
        cwd=TOP,
        stdout=subprocess.PIPE,
        text=True,
    )


FILLING = """
with database.writing("doomed"):
    writer = database.create("000001", Layout(30, 8, 0, 0, "flat"), "{}")
    writer.add(rows_of([photo(n, f"{n}.jpg") for n in range(1, 31)], some_vectors(30)))
    ready()
"""
INDEXING = """
count = 20_000
with database.writing("doomed"):
    writer = database.create("000001", Layout(count, 256, 0, 0, "hnsw"), "{}")
    writer.add(rows_of([photo(n, f"{n}.jpg") for n in range(1, count + 1)], some_vectors(count, 256)))
    writer.finish(lambda *_: ready())
"""


@pytest.mark.parametrize(
    ("script", "noticed"),
    [(FILLING, "unexpected EOF on client connection"), (INDEXING, "connection to client lost")],
    ids=["filling", "indexing"],
)
def test_a_writer_that_is_killed_leaves_neither_lock_nor_table(
    database: PostgresDatabase,
    postgres_address: str,
    postgres_server: PostgresServer,
    script: str,
    noticed: str,
) -> None:
    # So long, the log is of other tests.
    before = postgres_server.process.log.stat().st_size
    with publisher(postgres_address, script) as doomed:
        assert doomed.stdout
        assert doomed.stdout.readline() == "ready\n"
        with pytest.raises(IndexBusy), database.writing("next"):
            pass
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()

    def written() -> bool:
        """As the next indexer does, which may come while the server still notices."""
        try:
            with database.writing("next"):
                filled(database, "000001", BATCH, texts={"key": "text"})
        except IndexBusy:
            return False
        return True

    until(written)
    assert noticed in postgres_server.process.log.read_text()[before:]
    assert database.table("000001", LAYOUT, Built("flat", exact=True)).count(EVERYTHING) == 30


DIED = 77


def collected(folder: Path, photos: Path) -> Collection:
    run(folder, [photos], StandIn(), Silent(), accept_deletions=True)  # type: ignore[arg-type]
    origin = Origin("stand-in", StandIn().fingerprint, DIMENSION)
    return Collection(folder, origin, Catalogue(folder / "catalogue.sqlite", read_only=True))


@pytest.mark.slow
def test_a_publication_that_dies_before_any_of_its_commands(
    postgres_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers see the generation before or the new one, whole; and the next publication ends well."""
    monkeypatch.setattr("indexer.jobs.pipeline.Workers", InThread)
    address = postgres_address.replace("?", "/library?")
    for seed in range(12):
        write_photo(tmp_path / "photos" / f"{seed}.png", seed)
    deaths = 0
    while True:
        before = published(address)
        write_photo(tmp_path / "photos" / f"new{deaths}.png", 100 + deaths)
        collection = collected(tmp_path / "work", tmp_path / "photos")
        status = dying(address, collection, deaths + 1)
        if status == 0:
            break
        assert status == DIED
        assert published(address) in (before, 12 + deaths + 1)
        deaths += 1
    assert published(address) == 12 + deaths + 1
    # BEGIN, columns, rows, indexes, texts, pointers: all of them were a last one.
    assert deaths > 20
    last = shelf(address)
    assert isinstance(last, RemoteShelf)
    assert len(last.database.generations()) == len(last.generations())
    last.close()


def published(address: str) -> int | None:
    """How many photos are served."""
    kept_on = shelf(address)
    try:
        return None if kept_on.is_new() else len(kept_on.open(StandIn().fingerprint))
    finally:
        kept_on.close()  # type: ignore[attr-defined]


def dying(address: str, collection: Collection, at: int) -> int:
    """Publish in a fork of this process, which dies instead of sending its n-th command that is no question."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status, count, execute = 1, 0, Session.execute

    def mined(self: Session, query: Any, *given: Any, **named: Any) -> Any:
        nonlocal count
        if not str(query).lstrip().startswith("SELECT"):
            count += 1
            if count == at:
                os._exit(DIED)
        return execute(self, query, *given, **named)

    try:
        Session.execute = mined  # type: ignore[method-assign]
        kept_on = shelf(address)
        kept_on.grace = None  # type: ignore[attr-defined]
        with kept_on.writing():
            kept_on.publish(collection)
        status = 0
    finally:
        os._exit(status)
