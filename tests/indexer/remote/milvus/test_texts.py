"""Texts in a collection of Milvus: replaced at once, whenever the writer dies and whenever one reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer.address import Access, Address
from indexer.remote.milvus import schema, texts
from indexer.remote.milvus.database import MilvusDatabase
from tests.kit.remote import lite

GENERATION = "000001"
OLD = {"a": "one", "long": "x" * 200_000, "empty": ""}
NEW = {"a": "two", "b": "y" * 61_000}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[MilvusDatabase]:
    found = MilvusDatabase(Address.parse(lite(tmp_path)), Access(timeout=30.0))
    found.write_texts(GENERATION, OLD.items())
    yield found
    found.close()


def keys(database: MilvusDatabase) -> list[str]:
    name = schema.texts_name("library", GENERATION)
    return texts._keys(database.connection.client, name, "", "~", "Strong", 30.0)


class Died(Exception):
    pass


def test_new_ones_come_in_place_of_old_ones(database: MilvusDatabase) -> None:
    assert database.read_texts(GENERATION) == OLD
    assert database.read_text(GENERATION, "long") == OLD["long"]
    assert len(keys(database)) == 1 + 4 + 1 + 1
    database.write_texts(GENERATION, NEW.items())
    assert database.read_texts(GENERATION) == NEW
    assert [database.read_text(GENERATION, key) for key in ("a", "empty", "lon")] == ["two", None, None]
    # A piece of `a`, two of `b`, and the total: of the older ones, nothing is left.
    assert len(keys(database)) == 1 + 2 + 1


@pytest.mark.parametrize("survives", [0, 1])
def test_a_writer_that_dies_before_the_total_has_written_nothing(
    database: MilvusDatabase, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    insert, left = texts._insert, survives

    def dying(*given: Any) -> None:
        nonlocal left
        if not left:
            raise Died
        left -= 1
        insert(*given)

    with monkeypatch.context() as patch:
        patch.setattr(texts, "_insert", dying)
        with pytest.raises(Died):
            database.write_texts(GENERATION, NEW.items())
    assert database.read_texts(GENERATION) == OLD
    assert database.read_text(GENERATION, "a") == "one"
    database.write_texts(GENERATION, NEW.items())
    assert database.read_texts(GENERATION) == NEW
    assert len(keys(database)) == 4


def test_one_that_dies_before_it_clears_up_has_written_all(
    database: MilvusDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(texts, "_keys", dying)
        with pytest.raises(Died):
            database.write_texts(GENERATION, NEW.items())
    assert database.read_texts(GENERATION) == NEW
    assert len(keys(database)) == 7 + 4
    database.write_texts(GENERATION, OLD.items())
    assert database.read_texts(GENERATION) == OLD
    assert len(keys(database)) == 7


def test_who_reads_while_they_are_replaced_reads_again(
    database: MilvusDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, replaced = texts._newest, []

    def slow(*given: Any) -> Any:
        found = newest(*given)
        if not replaced:
            replaced.append(True)
            database.write_texts(GENERATION, NEW.items())
        return found

    monkeypatch.setattr(texts, "_newest", slow)
    assert database.read_texts(GENERATION) == NEW
    replaced.clear()
    assert database.read_text(GENERATION, "a") == "two"
    assert database.read_texts("000009") == {}
