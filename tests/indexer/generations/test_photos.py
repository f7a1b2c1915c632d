"""The photo list by itself: folders and cameras are found however they are spelled, and by an index."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from indexer.generations import counts
from indexer.generations.photos import Photos, PhotosWriter
from indexer.stores import Ids
from indexer.values import Filter

CAFE = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
KOELN = "K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln"
C, D = (lambda text: normalize("NFC", text)), (lambda text: normalize("NFD", text))
PATHS = [
    f"{C(CAFE)}/1.jpg",
    f"{D(CAFE)}/2.jpg",
    f"{C(KOELN)}/{D(CAFE)}/3.jpg",
    "2019/aquarium/4.jpg",
    "2019\\aquarium/5.jpg",
    "a\\/6.jpg",
    "cafe/7.jpg",
]
CAMERAS = ["CAMÉRA é", "caméra É", D("Caméra é"), "Canon EOS R6", "CANON eos r6", "Straße 1", None]


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[Photos]:
    path = tmp_path / "photos.sqlite"
    writer = PhotosWriter(path)
    writer.add(
        (number, "/root", relative, "c", 1, 1, None, camera, None, None, None, None)
        for number, (relative, camera) in enumerate(zip(PATHS, CAMERAS, strict=True), 1)
    )
    writer.finish()
    opened = Photos(path)
    yield opened
    opened.close()


def test_folders_are_counted_a_few_photos_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_AT_ONCE", 2)
    writer = PhotosWriter(tmp_path / "photos.sqlite")
    names = ["a/1", "b/2", "a/3", "a/b/4", "5", "b/6", "a/7"]
    writer.add(
        (number, "/root", name, "c", 1, 1, None, None, None, None, None, None)
        for number, name in enumerate(names)
    )
    writer.finish()
    photos = Photos(tmp_path / "photos.sqlite")
    assert counts.counted(photos.ask).folders == {"a": 3, "b": 2, "a/b": 1, "": 1}
    photos.close()


def found(photos: Photos, **where: str) -> list[int]:
    return sorted(photos.matching(Filter(**where)).tolist())


@pytest.mark.parametrize(
    ("folder", "numbers"),
    [
        (C(CAFE), [1, 2]),
        (D(CAFE), [1, 2]),
        (C(f"{KOELN}/{CAFE}"), [3]),
        (D(f"{KOELN}/{CAFE}"), [3]),
        (f"{D(KOELN)}/{C(CAFE)}", [3]),
        (f"{D(KOELN)}\\{C(CAFE)}\\", [3]),
        ("2019\\aquarium", [4, 5]),
        ("2019/aquarium", [4]),
        ("2019", [4]),
        ("\\2019\\", [4]),
        ("a\\", [6]),
        ("a", []),
        ("cafe", [7]),
        ("/", [1, 2, 3, 4, 5, 6, 7]),
        # A name that no folder here has.
        ("\\", []),
        (f"/root/{D(CAFE)}", [1, 2]),
        ("/root\\2019", [4]),
        ("/root/2019\\aquarium", [4, 5]),
    ],
)
def test_a_folder_however_it_is_spelled(photos: Photos, folder: str, numbers: list[int]) -> None:
    assert found(photos, folder=folder) == numbers


@pytest.mark.parametrize(
    ("camera", "numbers"),
    [
        *((form(name), [1, 2, 3]) for form in (C, D) for name in ("caméra é", "CAMÉRA É", "Caméra É")),
        ("canon EOS r6", [4, 5]),
        ("STRASSE 1", [6]),
        ("STRAßE 1", [6]),
        ("Caméra", [1, 2, 3]),
        ("EOS", [4, 5]),
        ("amÉ", [1, 2, 3]),
        ("eos r7", []),
        ("é' OR 1=1 --", []),
    ],
)
def test_a_camera_in_any_case(photos: Photos, camera: str, numbers: list[int]) -> None:
    assert found(photos, camera=camera) == numbers


def test_filters_of_many_photos_are_answered_by_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = PhotosWriter(tmp_path / "many.sqlite")
    writer.add(
        (
            number,
            "/root",
            f"{number % 997}/{number}.jpg",
            "c",
            1,
            1,
            None,
            f"é {number % 101}",
            None,
            None,
            None,
            None,
        )
        for number in range(1, 20_001)
    )
    writer.finish()
    photos = Photos(tmp_path / "many.sqlite")
    plans: list[str] = []
    column = photos._column

    def explained(query: str, values: Sequence[Any]) -> Ids:
        plans.extend(str(row[-1]) for row in photos.ask(f"EXPLAIN QUERY PLAN {query}", values))
        return column(query, values)

    monkeypatch.setattr(photos, "_column", explained)
    for where, index, count in (
        (Filter(folder="7"), "by_relative", 21),
        (Filter(folder=f"2019\\{CAFE}"), "by_relative", 0),
        (Filter(folder=f"/root/{CAFE}"), "by_relative", 0),
        (Filter(camera=D("É 7")), "by_camera", 198),
    ):
        plans.clear()
        assert len(photos.matching(where)) == count
        assert any(plan.startswith("SEARCH photos USING") and index in plan for plan in plans), plans
        assert not any(plan.startswith("SCAN photos") and "by_camera" not in plan for plan in plans), plans
    photos.close()


def test_photos_that_were_looked_up_before_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = PhotosWriter(tmp_path / "some.sqlite")
    rest = (1, 1, None, None, None, None, None, None)
    writer.add((number, "/root", f"{number}.jpg", "c", *rest) for number in range(1, 3001))
    writer.fold([(2, 1), (3, 1)])
    writer.finish()
    photos = Photos(tmp_path / "some.sqlite")
    every = photos.get(range(1, 3002))
    assert [every[number].relative for number in range(1, 3001)] == [
        f"{number}.jpg" for number in range(1, 3001)
    ]
    assert 3001 not in every
    latest = photos.get(range(2990, 3001))

    def refused(query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        raise AssertionError(query)

    with monkeypatch.context() as patched:
        patched.setattr(photos, "ask", refused)
        assert photos.get(range(2990, 3001)) == latest == {number: every[number] for number in latest}
    assert photos.with_copies([4, 1, 5]) == [1]
    assert photos.get(range(1, 3002)) == every
    photos.close()


def test_the_spellings_of_a_path_are_few(photos: Photos) -> None:
    """Else a path of a thousand letters, each of which has two forms, would be as many alternatives as fill a disk."""
    from indexer.conditions import _spellings

    deep = "\\".join(itertools.repeat("é", 300))
    assert len(_spellings(deep)) <= 6
    assert max(len(_spellings("/".join(["é"] * depth))) for depth in range(6)) <= 16
    assert found(photos, folder=deep) == []
