"""Conditions as PostgreSQL understands them, for values that are hard to quote."""

from collections.abc import Callable, Iterator

import pytest

from indexer.address import Access, Address
from indexer.conditions import EVERYTHING, NOTHING, Compare, Condition, Either, Every, OneOf, between
from indexer.remote.database import Table
from indexer.remote.postgres.database import PostgresDatabase
from indexer.remote.postgres.expressions import in_postgres
from indexer.remote.postgres.server import OPTIONS
from indexer.values import Photo
from tests.kit.rows import filled, photo, rows_of, some_vectors

FOLDERS = [
    "plain",
    "50%",
    "50%_off",
    "under_score",
    "o'neil",
    'say "hi"',
    "back\\slash",
    "new\nline",
    "tab\there",
    "$1 %s {0} :name",
    "müll",
    "mu\u0308ll",
    "写真",
    "-- comment",
    "a;b",
    "\U0001f600",
    " ",
]
# In order of their bytes, which is no language's.
ORDER = ["A", "B", "Z", "a", "a b", "a/", "a0", "b", "~", "é", "ﬁ", "写", "\U0001f600"]


def photos() -> list[Photo]:
    named = [f"{folder}/{n}.jpg" for folder in FOLDERS for n in range(2)] + ORDER
    cameras = ("NIKON D70", "Ünder cover", "a'b\\c%", None)
    return [
        photo(
            number,
            name,
            camera=cameras[number % 4],
            taken=f"20{10 + number % 9}-01-01T00:00:00" if number % 3 else None,
        )
        for number, name in enumerate(named, 1)
    ]


@pytest.fixture
def table(postgres_address: str) -> Iterator[Table]:
    address = Address.parse(postgres_address.replace("?", "/library?"), OPTIONS)
    database = PostgresDatabase(address, Access())
    known = photos()
    yield filled(database, "000001", rows_of(known, some_vectors(len(known))))
    database.close()


def passing(table: Table, condition: Condition) -> set[int]:
    found = set(table.select(["id"], condition, 1000)["id"])
    assert table.count(condition) == len(found)
    assert set(table.search(some_vectors(1), 1000, condition, 10).ids.tolist()) == found
    return found


CASES: list[tuple[Condition, Callable[[Photo], bool]]] = [
    (EVERYTHING, lambda _: True),
    (NOTHING, lambda _: False),
    *[
        (
            between("relative", f"{folder}/", f"{folder}0"),
            lambda one, f=folder: one.relative.startswith(f"{f}/"),
        )
        for folder in FOLDERS
    ],
    *[
        (Compare("relative", ">=", name), lambda one, n=name: one.relative.encode() >= n.encode())
        for name in ORDER
    ],
    *[
        (Compare("relative", "<", name), lambda one, n=name: one.relative.encode() < n.encode())
        for name in ORDER
    ],
    (OneOf("relative", tuple(ORDER)), lambda one: one.relative in ORDER),
    (OneOf("relative", tuple(ORDER), negated=True), lambda one: one.relative not in ORDER),
    (OneOf("relative", ()), lambda _: False),
    (OneOf("relative", (), negated=True), lambda _: True),
    (OneOf("id", (1, 2, 2**62)), lambda one: one.id in (1, 2)),
    (OneOf("id", ()), lambda _: False),
    (OneOf("camera", ("nikon d70", "A'B\\C%")), lambda one: one.camera in ("NIKON D70", "a'b\\c%")),
    # Only ASCII letters have no case.
    (OneOf("camera", ("ünder cover",)), lambda _: False),
    (OneOf("camera", ("ÜNDER COVER",)), lambda one: one.camera == "Ünder cover"),
    (between("taken", "2012", "2014"), lambda one: one.taken is not None and "2012" <= one.taken < "2014"),
    (
        Every((Compare("taken", ">", ""), Compare("taken", "<", "2012"))),
        lambda one: "" < (one.taken or "") < "2012",
    ),
    (
        Either(
            (OneOf("id", (5,)), Every((Compare("root", "=", "/photos"), OneOf("camera", ("Nikon D70",)))))
        ),
        lambda one: one.id == 5 or one.camera == "NIKON D70",
    ),
    (Compare("root", "=", "/nowhere"), lambda _: False),
]


def test_conditions_pass_what_they_say(table: Table) -> None:
    for condition, passes in CASES:
        assert passing(table, condition) == {one.id for one in photos() if passes(one)}, condition


def test_texts_with_nul_are_compared_although_none_can_be_stored(table: Table) -> None:
    """No path has one, but a question may."""
    for condition, passes in [
        (between("relative", "a\0b/", "a\0b0"), lambda _: False),
        (Compare("relative", ">=", "a\0"), lambda one: one.relative.encode() >= b"a\0"),
        (Compare("relative", ">", "a\0z"), lambda one: one.relative.encode() > b"a\0z"),
        (Compare("relative", "<", "a\0"), lambda one: one.relative.encode() < b"a\0"),
        (Compare("relative", "=", "a\0"), lambda _: False),
        (OneOf("camera", ("nikon d70\0", "nikon d70")), lambda one: one.camera == "NIKON D70"),
        (OneOf("relative", ("a\0",), negated=True), lambda _: True),
    ]:
        assert passing(table, condition) == {one.id for one in photos() if passes(one)}, condition


def test_values_are_never_part_of_the_text() -> None:
    text, values = in_postgres(Every((OneOf("camera", ("X'; --",)), Compare("relative", ">=", "%s' OR 1"))))
    assert text == "(camera_key = ANY (%s) AND relative >= %s)"
    assert values == [["x'; --"], "%s' OR 1"]
