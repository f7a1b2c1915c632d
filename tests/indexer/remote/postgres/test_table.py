"""Searching and reading a generation in a PostgreSQL table."""

from collections.abc import Iterator

import numpy as np
import pytest

from indexer.address import Access, Address
from indexer.conditions import EVERYTHING, Compare, Condition, OneOf, between
from indexer.remote.database import Matches, Table
from indexer.remote.postgres import table as table_module
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.server import OPTIONS
from indexer.remote.rows import PART, PHOTO, TEXTS, photos_of
from indexer.values import Ids
from model.modality import Vectors
from tests.kit.rows import filled, photo, rows_of, some_vectors


@pytest.fixture
def database(postgres_address: str) -> Iterator[PostgresDatabase]:
    address = Address.parse(postgres_address.replace("?", "/library?"), OPTIONS)
    opened = PostgresDatabase(address, Access(timeout=30.0))
    yield opened
    opened.close()


def library(database: PostgresDatabase, vectors: Vectors, index_type: str) -> Table:
    photos = [photo(n + 1, f"{n % 10}/{n}.jpg") for n in range(len(vectors))]
    return filled(database, "000001", rows_of(photos, vectors), index_type)


def nearest(vectors: Vectors, query: Vectors, places: Ids, k: int) -> list[int]:
    scores = vectors[places] @ query
    return [int(one) + 1 for one in places[np.argsort(-scores)][:k]]


@pytest.mark.parametrize("index_type", ["flat", "hnsw"])
def test_as_many_as_pass_are_found_whatever_passes(
    database: PostgresDatabase, index_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a graph is followed: by itself, it gives up when it has seen `ef`."""
    monkeypatch.setattr(table_module, "_FEW", 0)
    vectors = some_vectors(3000, 16)
    table = library(database, vectors, index_type)
    everywhere = np.arange(3000)
    conditions: list[tuple[Condition, Ids]] = [
        (EVERYTHING, everywhere),
        (between("relative", "3/", "30"), everywhere[everywhere % 10 == 3]),
        (between("place", 5, 1000), np.arange(5, 1000)),
        (OneOf("id", tuple(range(1, 8))), np.arange(7)),
        (Compare("taken", ">", ""), np.empty(0, np.int64)),
    ]
    for query in some_vectors(3, 16, seed=9):
        for where, places in conditions:
            for k in (1, 20, 400, 5000):
                found = table.search(query.reshape(1, -1), k, where, 10)
                assert len(found.ids) == min(k, len(places))
                assert len(set(found.ids.tolist()) - set((places + 1).tolist())) == 0
                assert (np.diff(found.scores) <= 1e-6).all()
                exact = nearest(vectors, query, places, k)
                if index_type == "flat" and len(exact):
                    # In half precision, neighbours may change places.
                    assert len(set(exact) ^ set(found.ids.tolist())) <= 2
                if k >= len(places):
                    assert set(found.ids.tolist()) == set(exact)


def test_a_graph_is_followed_and_few_are_compared(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the plans that the server makes of the very queries."""
    table = library(database, some_vectors(3000, 16), "hnsw")
    plans: list[str] = []
    search = database.server.search

    def explained(query: str, values: list[object], settings: dict[str, str]) -> object:
        plans.append("\n".join(line for (line,) in search(f"EXPLAIN {query}", values, settings)))
        return search(query, values, settings)

    monkeypatch.setattr(database.server, "search", explained)
    query = some_vectors(1, 16, seed=3)
    few, many = between("relative", "3/", "30"), between("place", 0, 1800)
    monkeypatch.setattr(table_module, "_FEW", 1000)
    for where, graph in ((EVERYTHING, True), (many, True), (few, False)):
        plans.clear()
        assert len(table.search(query, 10, where, 10).ids) == 10
        # Of the ten that a graph finds at first, some do not pass; it is followed further, not left.
        (plan,) = (one for one in plans if "<#>" in one)
        assert ("vector_idx" in plan) is graph, plan
    assert "relative_idx" in plan


def test_what_is_short_of_k_is_completed_without_the_graph(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the graph led to none but its first ten, which nothing promises."""
    monkeypatch.setattr(table_module, "_FEW", 0)
    monkeypatch.setattr(table_module, "_GRAPH", {"hnsw.iterative_scan": "off"})
    table = library(database, some_vectors(3000, 16), "hnsw")
    found = table.search(some_vectors(1, 16, seed=3), 10, between("place", 0, 2400), 10)
    assert len(found.ids) == 10


def test_effort_has_a_limit_and_more_than_it_can_be_asked_for(database: PostgresDatabase) -> None:
    table = library(database, some_vectors(2500, 16), "hnsw")
    query = some_vectors(1, 16, seed=4)
    for effort, k in ((0, 1), (4096, 10), (10, 2000), (4096, 2500)):
        assert len(table.search(query, k, EVERYTHING, effort).ids) == k


def test_vectors_come_with_the_matches_on_request(database: PostgresDatabase) -> None:
    vectors = some_vectors(20)
    table = library(database, vectors, "flat")
    found: Matches = table.search(some_vectors(1, seed=2), 5, EVERYTHING, 0, vectors=True)
    assert found.vectors is not None
    assert np.allclose(found.vectors, vectors[found.ids - 1], atol=1e-3)
    assert found.biases.shape == (5, 3)
    assert table.search(some_vectors(1), 5, EVERYTHING, 0).vectors is None
    nothing = table.search(some_vectors(1), 5, OneOf("id", (99,)), 0, vectors=True)
    assert (len(nothing.ids), nothing.biases.shape[0]) == (0, 0)
    assert nothing.vectors is not None
    assert nothing.vectors.shape == (0, 8)


def test_rows_come_back_as_they_were(database: PostgresDatabase) -> None:
    """Paths longer than an index takes, texts that are hard to quote, values that are missing; and parts."""
    # Nothing that can be compressed.
    long = "".join(chr(0x4E00 + int(n)) for n in np.random.default_rng(1).integers(0, 20_000, 1300))
    whole = {
        "taken": "2020-02-02T02:02:02",
        "camera": "Ünder \\ 'cover' \"%s\"",
        "latitude": -0.000001,
        "longitude": 179.999999,
        "colour": 0xFFFFFF,
        "moment": "2020-02-02T02:02:02",
        "duplicate_of": 1,
    }
    photos = [
        photo(1, f"{long}/{'x' * 100}.jpg"),
        photo(2**62 + 1, "new\nline\t'\"\\.\N{GRINNING FACE}", **whole),
        photo(3, "colourless.jpg", colour=0),
    ]
    vectors, parts = some_vectors(3, 520), ["", "A" * 12_000, "QUJD"]
    table = filled(database, "000001", rows_of(photos, vectors, parts), part_bytes=9000)
    for one, vector, part in zip(photos, vectors, parts, strict=True):
        found = table.select([*PHOTO, "vector", PART], OneOf("id", (one.id,)), 9)
        assert list(photos_of(found)) == [one]
        assert np.allclose(found["vector"], vector, atol=1e-3)
        assert found[PART] == [part]
        assert table.count(Compare("relative", "=", one.relative)) == 1
    assert table.count(between("relative", f"{long}/", f"{long}0")) == 1
    found = table.select(["vector"], OneOf("id", (99,)), 9)
    assert found["vector"].shape == (0, 520)
    for column, outside in (("vector", 0), (PART, 1)):
        assert stored_outside(database, column) == outside


def stored_outside(database: PostgresDatabase, column: str) -> int:
    """How many values are not in their rows, where a search reads them at once."""
    counted = f"SELECT count(pg_column_toast_chunk_id({column})) FROM library__g000001"
    ((count,),) = database.server.ask(counted)
    return int(count)


def test_texts_are_ordered_by_their_bytes_whatever_the_language_of_the_database(
    database: PostgresDatabase,
) -> None:
    """Here, its order is by bytes already: no other can be had from every server."""
    library(database, some_vectors(2), "flat")
    found = database.server.ask(
        "SELECT attname::text, collname::text FROM pg_attribute JOIN pg_collation c ON c.oid = attcollation "
        "WHERE attrelid = 'library__g000001'::regclass"
    )
    assert dict(found) == dict.fromkeys(TEXTS, "C")


@pytest.mark.parametrize("dimension", [1, 512, 1000, 3000])
def test_vectors_of_any_length(database: PostgresDatabase, dimension: int) -> None:
    vectors = some_vectors(12, dimension)
    table = library(database, vectors, "hnsw")
    found = table.search(vectors[3:4], 1, EVERYTHING, 40, vectors=True)
    assert found.scores[0] == pytest.approx(1.0, abs=2e-3)
    assert found.vectors is not None
    assert found.vectors.shape == (1, dimension)
    assert [stored_outside(database, column) for column in ("vector", "content", "relative")] == [0, 0, 0]


def test_a_part_is_kept_outside_before_the_vector(database: PostgresDatabase) -> None:
    """Although it is the smaller of the two: only some searches read it."""
    path, part = ("".join(map(chr, np.random.default_rng(n).integers(48, 126, n))) for n in (800, 950))
    filled(database, "000001", rows_of([photo(1, path)], some_vectors(1, 520), [part]), part_bytes=700)
    assert [stored_outside(database, column) for column in ("vector", PART)] == [0, 1]
