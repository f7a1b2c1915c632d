"""Ids of new photos: never twice, and those of a part begin with its number."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Partition, Published
from indexer.catalogue.database import Catalogue
from indexer.catalogue.ids import PART_BITS, new_id, prefix
from indexer.folders.scan import Found
from indexer.locking.opening import CATALOGUE
from tests.kit.jobs import Machines
from tests.kit.standin import StandIn

RANDOM = 2**51


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / CATALOGUE)


def a_photo(name: str) -> Found:
    return Found(Path("/photos"), name, 1, 1)


def ids(folder: Path) -> dict[str, int]:
    with Catalogue(folder / CATALOGUE, read_only=True) as catalogue:
        return dict(catalogue.connection.execute("SELECT relative, id FROM photos"))


def test_each_part_has_ids_of_its_own() -> None:
    first, last = Partition(1, 4096), Partition(4096, 4096)
    assert (PART_BITS, prefix(first), prefix(last)) == (12, 0, 4095 * RANDOM)
    # What a signed number of SQLite, FAISS, and every store takes.
    assert prefix(last) + RANDOM - 1 == 2**63 - 1
    assert len({prefix(Partition(number, 4096)) for number in range(1, 4097)}) == 4096


def test_parts_beyond_share_a_prefix() -> None:
    assert prefix(Partition(4097, 5000)) == prefix(Partition(1, 5000))
    assert prefix(Partition(5000, 5000)) == prefix(Partition(904, 5000))


def test_ids_of_a_part_are_random_behind_its_number(catalogue: Catalogue) -> None:
    part = Partition(7, 9)
    drawn = [new_id(catalogue.connection, part) for _ in range(200)]
    assert {number // RANDOM for number in drawn} == {6}
    assert len(set(drawn)) == 200
    # Both halves of the range.
    assert 50 < sum(number % RANDOM > RANDOM // 2 for number in drawn) < 150
    whole = {new_id(catalogue.connection, None) // RANDOM for _ in range(200)}
    assert len(whole) > 100


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets these be the next random numbers."""

    def draw(*numbers: int) -> None:
        left = [*numbers]
        monkeypatch.setattr(secrets, "randbits", lambda bits: left.pop(0))

    return draw


@pytest.mark.parametrize("part", [None, Partition(3, 4)])
def test_no_id_is_drawn_twice(
    catalogue: Catalogue, drawn: Callable[..., None], part: Partition | None
) -> None:
    if part is not None:
        catalogue.partition = part
    drawn(5, 5, 6, 6, 5, 7)
    catalogue.remember_root(Path("/photos"), catalogue.root(Path("/photos")))
    with catalogue.transaction():
        for name in ("a", "b"):
            catalogue.record(a_photo(name), content=name)
    start = prefix(part) if part else 0
    first, second = (
        number for (number,) in catalogue.connection.execute("SELECT id FROM photos ORDER BY id")
    )
    assert (first, second) == (start + 5, start + 6)
    # One that was removed might return.
    with catalogue.transaction():
        catalogue.remove([first])
        catalogue.record(a_photo("c"), content="c")
    known = dict(catalogue.connection.execute("SELECT relative, id FROM photos"))
    assert known == {"b": start + 6, "c": start + 7}


def test_parts_keep_their_prefix_and_the_merge_keeps_the_ids(machines: Machines) -> None:
    machines.all()
    before: dict[str, int] = {}
    for number, folder in enumerate(machines.parts):
        found = ids(folder)
        assert {one // RANDOM for one in found.values()} == {number}
        before |= found
    machines.merge()
    assert ids(machines.whole) == before
    # Moved to another part, a photo is new there, and has its old id in the whole.
    (machines.library.folder / "a").rename(machines.library.folder / "moved")
    for number in range(machines.of):
        machines.embed(number + 1, accept_deletions=True)
    machines.merge()
    moved = {name.replace("a/", "moved/"): one for name, one in before.items()}
    assert ids(machines.whole) == moved
    found_in_parts = {
        name: one // RANDOM for number, folder in enumerate(machines.parts) for name, one in ids(folder).items()
        if one // RANDOM != number
    }  # fmt: skip
    assert not found_in_parts


def test_the_merge_gives_the_second_of_two_equal_ids_a_new_one(
    machines: Machines, drawn: Callable[..., None]
) -> None:
    """As parts 1 and 4,097 might draw it."""
    machines.all()
    one, other = (ids(folder) for folder in machines.parts[:2])
    (name, taken), (twin, number) = next(iter(one.items())), next(iter(other.items()))
    with Catalogue(machines.parts[1] / CATALOGUE) as catalogue:
        catalogue.connection.execute("UPDATE photos SET id = ? WHERE id = ?", (taken, number))
    (machines.parts[1] / "part.json").unlink()
    machines.embed(2)
    report = machines.merge()
    assert report.photos == 30
    merged = ids(machines.whole)
    assert len(set(merged.values())) == 30
    assert sum(merged[each] == taken for each in (name, twin)) == 1
    # And keeps it.
    machines.merge()
    assert ids(machines.whole) == merged
    opened = Published.open(machines.whole, StandIn().fingerprint)
    assert len(opened) == 30
    opened.close()
