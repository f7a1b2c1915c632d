"""Browsing over HTTP: the timeline, pages of photos, facets, details, and groups of near-duplicates."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from model import Encoder
from service.asgi.keys import make
from tests.kit.jobs import index_quickly
from tests.kit.service.asking import problem
from tests.kit.service.browsing import DETAILED, NEWEST_FIRST, UNDATED, album
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    with album(tmp_path_factory.mktemp("album"), encoder) as server:
        yield server


def paths(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [photo["path"] for photo in answer.json()["photos"]]


def ids(url: str) -> dict[str, str]:
    found = httpx.get(f"{url}/photos").json()["photos"]
    return {photo["path"]: photo["id"] for photo in found}


def test_the_timeline_is_newest_first(served: LiveServer) -> None:
    answer = httpx.get(f"{served.url}/timeline").json()
    months = [("2024-07", 2), ("2024-05", 1), ("2023-12", 1), ("2022-02", 1), ("2021-03", 1)]
    assert [(one["month"], one["photos"]) for one in answer["months"]] == months
    assert (answer["total"], answer["generation"]) == (6, "000001")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("", NEWEST_FIRST),
        ("month=2024-07", NEWEST_FIRST[:2]),
        ("month=1999-01", []),
        ("month=", []),
        ("folder=2024", NEWEST_FIRST[:3]),
        ("folder=2024/Italy&camera=eos", NEWEST_FIRST[:2]),
        ("camera=EOS", [*NEWEST_FIRST[:2], DETAILED]),
        ("camera=pixel", NEWEST_FIRST[2:4]),
        ("after=2023&before=2024-06", NEWEST_FIRST[2:4]),
        ("favourites=1", []),
        ("hidden=1", []),
        ("folder=&camera=&k=2&offset=3", NEWEST_FIRST[3:5]),
    ],
)
def test_photos_by_month_and_filter(served: LiveServer, asked: str, wanted: list[str]) -> None:
    answer = httpx.get(f"{served.url}/photos?{asked}")
    assert paths(answer) == wanted
    filters = "&".join(
        part for part in asked.split("&") if part.split("=")[0] not in ("month", "k", "offset")
    )
    total = httpx.get(f"{served.url}/timeline?{filters}").json()["total"]
    if "month" not in asked:
        assert answer.json()["total"] == total
    if "k=" not in asked:
        assert answer.json()["total"] == len(wanted)


def test_pages_neither_repeat_nor_lose_a_photo(served: LiveServer) -> None:
    seen = [
        path
        for offset in range(8)
        for path in paths(httpx.get(f"{served.url}/photos", params={"k": 1, "offset": offset}))
    ]
    assert seen == NEWEST_FIRST


@pytest.mark.parametrize(
    "asked",
    ["k=501", "k=0", "offset=-1", "month=July", "folder=/etc", "after=soon", "k=1&k=2", "kk=1", "hidden=x"],
)
def test_what_is_refused(served: LiveServer, asked: str) -> None:
    name = asked.split("=")[0]
    assert problem(httpx.get(f"{served.url}/photos?{asked}"), 422, "invalid_request").startswith(f"{name}: ")
    if name not in ("offset", "month", "k"):
        problem(httpx.get(f"{served.url}/timeline?{asked}"), 422, "invalid_request")


def test_facets(served: LiveServer) -> None:
    facets = httpx.get(f"{served.url}/facets").json()
    assert facets == {
        "folders": [
            {"path": "2022", "photos": 1},
            {"path": "2023", "photos": 1},
            {"path": "2024", "photos": 3},
            {"path": "2024/Italy", "photos": 2},
        ],
        "cameras": [
            {"name": "Canon EOS R5", "photos": 1},
            {"name": "Canon EOS R6", "photos": 2},
            {"name": "Pixel 8", "photos": 2},
        ],
        "years": [
            {"year": "2024", "photos": 3},
            {"year": "2023", "photos": 1},
            {"year": "2022", "photos": 1},
        ],
        "favourites": 0,
        "hidden": 0,
    }


def test_details_say_what_the_file_says(served: LiveServer) -> None:
    details = httpx.get(f"{served.url}/photos/{ids(served.url)[DETAILED]}/details").json()
    file = served.photos / DETAILED
    shown = details.pop("photo")
    assert (shown["path"], shown["width"], shown["favourite"]) == (DETAILED, 320, False)
    assert details.pop("modified").endswith("+00:00")
    assert details == {
        "folder": "2022",
        "file": "banana.jpg",
        "bytes": file.stat().st_size,
        "taken": "2022-02-02T02:02:02",
        "camera": "Canon EOS R5",
        "lens": "RF35mm F1.8",
        "exposure": "1/250 s",
        "aperture": "f/2.8",
        "iso": 400,
        "focal": "35 mm",
        "latitude": 48.208333,
        "longitude": -16.373056,
        "location": str(file),
    }
    plain = httpx.get(f"{served.url}/photos/{ids(served.url)[UNDATED]}/details").json()
    assert (plain["folder"], plain["taken"], plain["lens"]) == ("", None, None)
    assert plain["modified"].startswith("2021-03-0")


def test_only_local_callers_and_admins_learn_where_a_file_is(served: LiveServer) -> None:
    number = ids(served.url)[DETAILED]
    for headers in (
        {"x-forwarded-for": "10.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil"},
    ):
        answer = httpx.get(f"{served.url}/photos/{number}/details", headers=headers)
        assert answer.json()["location"] is None
    (reader, entry), (admin, admins) = make(admin=False), make(admin=True)
    with listening(served.gallery, api_keys=f"{entry},{admins}") as url:
        for key, location in ((reader, None), (admin, str(served.photos / DETAILED))):
            answer = httpx.get(f"{url}/photos/{number}/details", headers={"x-api-key": key})
            assert answer.json()["location"] == location
        problem(httpx.get(f"{url}/timeline"), 401, "no_key")


def test_details_of_a_file_that_changed_or_is_gone(tmp_path: Path, encoder: Encoder) -> None:
    with album(tmp_path, encoder) as server:
        number = ids(server.url)[DETAILED]
        picture("mug", 5).save(server.photos / DETAILED)
        changed = httpx.get(f"{server.url}/photos/{number}/details").json()
        assert changed["bytes"] == (server.photos / DETAILED).stat().st_size
        # What the index knows of the photo, and nothing of the file that nobody has checked.
        assert (changed["camera"], changed["lens"]) == ("Canon EOS R5", None)
        (server.photos / DETAILED).unlink()
        problem(httpx.get(f"{server.url}/photos/{number}/details"), 410, "photo_gone")
        (server.photos / DETAILED).symlink_to(server.photos / UNDATED)
        problem(httpx.get(f"{server.url}/photos/{number}/details"), 410, "photo_gone")
        problem(httpx.get(f"{server.url}/photos/{'0' * 16}/details"), 404, "photo_not_found")


def test_the_original_of_a_group_comes_first(tmp_path: Path, encoder: Encoder) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    whole = picture("fish", 3, 640)
    whole.resize((320, 320), Image.Resampling.LANCZOS).save(photos / "a small.jpg", quality=95)
    whole.save(photos / "b squeezed.jpg", quality=60)
    whole.save(photos / "c original.jpg", quality=95)
    shutil.copyfile(photos / "c original.jpg", photos / "d copy.jpg")
    picture("house", 1).save(photos / "other.jpg")
    with album(tmp_path / "unused", encoder) as server:
        index_quickly(tmp_path / "index", photos, encoder)
        gallery = type(server.gallery)(tmp_path / "index", encoder, server.gallery.caps)
        with listening(gallery) as url:
            numbers = ids(url)
            for name in ("a small.jpg", "c original.jpg"):
                found = paths(httpx.get(f"{url}/photos/{numbers[name]}/group"))
                assert found[2:] == ["b squeezed.jpg", "a small.jpg"]
                assert set(found[:2]) == {"c original.jpg", "d copy.jpg"}
            assert paths(httpx.get(f"{url}/photos/{numbers['other.jpg']}/group")) == ["other.jpg"]
        gallery.published.close()
