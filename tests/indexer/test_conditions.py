"""Filters as conditions, in the words of each database: every one must choose the same photos."""

import sqlite3

import pytest

from indexer.conditions import (
    EVERYTHING,
    NOTHING,
    Compare,
    Condition,
    Either,
    Every,
    OneOf,
    between,
    described,
)
from indexer.generations.filters import in_sql
from indexer.remote.milvus.expressions import in_milvus
from indexer.values import Filter

ROOTS = ("/photos", "/more photos")
CAMERAS = ("NIKON D70", "Pixel 8", 'A"B\\C')

SPELLED: list[tuple[Condition, str, str]] = [
    (EVERYTHING, "TRUE", ""),
    (NOTHING, "FALSE", "id < 0"),
    (Compare("taken", ">=", "2024"), "taken >= ?", 'taken >= "2024"'),
    (Compare("root", "=", "/a"), "root = ?", 'root == "/a"'),
    (Compare("place", "<", 7), "place < ?", "place < 7"),
    (
        between("relative", "a/", "a0"),
        "(relative >= ? AND relative < ?)",
        '(relative >= "a/" and relative < "a0")',
    ),
    (OneOf("id", (1, 2)), "id IN (SELECT value FROM json_each(?))", "id in [1, 2]"),
    (
        OneOf("content", ("x",), negated=True),
        "content NOT IN (SELECT value FROM json_each(?))",
        'content not in ["x"]',
    ),
    (
        OneOf("camera", ("Pixel 8",)),
        "camera IN (SELECT value FROM json_each(?))",
        'camera_key in ["pixel 8"]',
    ),
    (Either((Compare("id", "=", 1), EVERYTHING)), "(id = ? OR TRUE)", "(id == 1 or id >= 0)"),
    (Every((Compare("id", ">", 1), NOTHING)), "(id > ? AND FALSE)", "(id > 1 and id < 0)"),
]


@pytest.mark.parametrize(("condition", "sql", "milvus"), SPELLED)
def test_each_condition_in_each_language(condition: Condition, sql: str, milvus: str) -> None:
    text, values = in_sql(condition)
    assert (text, in_milvus(condition)) == (sql, milvus)
    assert text.count("?") == len(values)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ('say "a"', r'"say \"a\""'),
        ("back\\slash", r'"back\\slash"'),
        ("two\nlines", r'"two\nlines"'),
        ("100%_off", '"100%_off"'),
        ("ü 写真", '"ü 写真"'),
    ],
)
def test_hostile_texts_are_escaped(text: str, literal: str) -> None:
    assert in_milvus(Compare("relative", "=", text)) == f"relative == {literal}"


def test_a_photo_without_a_date_passes_no_filter_by_date() -> None:
    """Neither where that is NULL, nor where it is an empty text."""
    for missing in (None, ""):
        db = sqlite3.connect(":memory:")
        db.execute("CREATE TABLE photos (taken TEXT)")
        db.executemany("INSERT INTO photos VALUES (?)", [("2020-05-05",), (missing,)])
        for where in (Filter(before="2024"), Filter(after="2019"), Filter(after="2019", before="2024")):
            text, values = in_sql(described(where, ROOTS, CAMERAS))
            assert db.execute(f"SELECT count(*) FROM photos WHERE {text}", values).fetchone() == (1,)
        db.close()


def test_a_folder_by_its_whole_path_names_its_root() -> None:
    inside = described(Filter(folder="/photos/a"), ROOTS, CAMERAS)
    assert 'root == "/photos"' in in_milvus(inside)
    assert '(relative >= "a/" and relative < "a0")' in in_milvus(inside)
    assert "/more photos" not in in_milvus(inside)
    above = in_milvus(described(Filter(folder="/"), ROOTS, CAMERAS))
    assert 'root == "/photos"' in above
    assert 'root == "/more photos"' in above


@pytest.mark.parametrize("folder", ["\\", "\\\\", "\\/", "/\\"])
def test_backslashes_alone_are_at_most_the_name_of_a_folder(folder: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE photos (root TEXT, relative TEXT)")
    names = ("a/b.jpg", "c.jpg", "\\\\/d.jpg", "\\/e.jpg")
    db.executemany("INSERT INTO photos VALUES ('/photos', ?)", [(name,) for name in names])
    text, values = in_sql(described(Filter(folder=folder), ROOTS, CAMERAS))
    found = [name for (name,) in db.execute(f"SELECT relative FROM photos WHERE {text}", values)]
    assert found == [name for name in names if name.startswith(f"{folder.strip('/')}/") and folder[0] != "/"]
    db.close()


@pytest.mark.parametrize("folder", ["", ".", "./", ".\\", "/", "//"])
def test_the_root_folder_lets_all_photos_pass(folder: str) -> None:
    wanted = described(Filter(folder=folder), ROOTS, CAMERAS)
    text, values = in_sql(wanted)
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE photos (root TEXT, relative TEXT)")
    db.executemany("INSERT INTO photos VALUES (?, 'a.jpg')", [(root,) for root in ROOTS])
    assert db.execute(f"SELECT count(*) FROM photos WHERE {text}", values).fetchone() == (2,)
    db.close()
