"""Favourites and hidden photos over HTTP: what they change, who may set them, and that they stay."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer.marks import MARKS_FILE
from model import Encoder
from service.asgi.keys import make
from tests.kit.jobs import index_quickly
from tests.kit.service.asking import PNG, problem, wait_for
from tests.kit.service.browsing import NEWEST_FIRST, album
from tests.kit.service.servers import LiveServer, listening
from tests.kit.shapes import picture

FISH, STAR = NEWEST_FIRST[:2]


@pytest.fixture
def served(tmp_path: Path, encoder: Encoder) -> Iterator[LiveServer]:
    with album(tmp_path, encoder, refresh_seconds=0.1) as server:
        yield server


def listed(url: str, asked: str = "") -> dict[str, str]:
    found = httpx.get(f"{url}/photos?{asked}").json()["photos"]
    return {photo["path"]: photo["id"] for photo in found}


def searched(url: str, asked: str = "") -> set[str]:
    answer = httpx.post(f"{url}/search?k=50&{asked}", content=PNG)
    return {result["path"] for result in answer.json()["results"]}


def test_favourites(served: LiveServer) -> None:
    url = served.url
    numbers = listed(url)
    assert httpx.put(f"{url}/photos/{numbers[FISH]}/favourite").json() == {"favourite": True, "hidden": False}
    assert set(listed(url, "favourites=1")) == searched(url, "favourites=1") == {FISH}
    assert httpx.get(f"{url}/facets").json()["favourites"] == 1
    marked = {photo["path"]: photo["favourite"] for photo in httpx.get(f"{url}/photos").json()["photos"]}
    assert [path for path, favourite in marked.items() if favourite] == [FISH]
    results = httpx.post(f"{url}/search?k=50", content=PNG).json()["results"]
    assert [one["path"] for one in results if one["favourite"]] == [FISH]
    httpx.delete(f"{url}/photos/{numbers[FISH]}/favourite")
    assert searched(url, "favourites=1") == set()


def test_hidden_photos_are_nowhere_but_among_the_hidden(served: LiveServer) -> None:
    url = served.url
    numbers = listed(url)
    httpx.put(f"{url}/photos/{numbers[FISH]}/favourite")
    assert httpx.put(f"{url}/photos/{numbers[FISH]}/hidden").json() == {"favourite": True, "hidden": True}
    assert list(listed(url)) == [STAR, *NEWEST_FIRST[2:]]
    assert searched(url) == searched(url, "fold_duplicates=1") == {STAR, *NEWEST_FIRST[2:]}
    assert searched(url, "folder=2024/Italy") == {STAR}
    assert searched(url, "favourites=1") == set()
    assert list(listed(url, "hidden=1")) == list(listed(url, "hidden=1&favourites=1")) == [FISH]
    timeline = httpx.get(f"{url}/timeline").json()
    assert (timeline["total"], timeline["months"][0]) == (5, {"month": "2024-07", "photos": 1})
    facets = httpx.get(f"{url}/facets").json()
    assert (facets["favourites"], facets["hidden"]) == (0, 1)
    assert {"path": "2024/Italy", "photos": 1} in facets["folders"]
    # By its id it can still be seen, and brought back.
    assert httpx.get(f"{url}/photos/{numbers[FISH]}").status_code == 200
    httpx.delete(f"{url}/photos/{numbers[FISH]}/hidden")
    assert list(listed(url)) == NEWEST_FIRST


def test_a_search_finds_as_many_photos_however_many_are_hidden(served: LiveServer) -> None:
    # By score alone: a second stage looks at all the photos that there are.
    best = httpx.post(f"{served.url}/search?k=3&rank=plain", content=PNG).json()["results"]
    for one in best[:2]:
        httpx.put(f"{served.url}/photos/{one['id']}/hidden")
    left = httpx.post(f"{served.url}/search?k=3&rank=plain", content=PNG).json()["results"]
    assert len(left) == 3
    assert left[0]["id"] == best[2]["id"]


def test_marks_survive_a_new_run_a_move_and_a_new_service(served: LiveServer, encoder: Encoder) -> None:
    httpx.put(f"{served.url}/photos/{listed(served.url)[FISH]}/favourite")
    httpx.put(f"{served.url}/photos/{listed(served.url)[STAR]}/hidden")
    (served.photos / FISH).rename(served.photos / "moved.jpg")
    picture("mug", 9).save(served.photos / "new.jpg")
    index_quickly(served.index, served.photos, encoder)
    with served.client() as client:
        wait_for(client, lambda ready: ready["generation"] == "000002")
    assert set(listed(served.url, "favourites=1")) == {"moved.jpg"}
    gallery = type(served.gallery)(served.index, encoder, served.gallery.caps)
    with listening(gallery) as url:
        assert set(listed(url, "favourites=1")) == {"moved.jpg"}
        assert set(listed(url, "hidden=1")) == {STAR}
        # Two services share the marks.
        httpx.delete(f"{url}/photos/{listed(url, 'favourites=1')['moved.jpg']}/favourite")
        assert listed(served.url, "favourites=1") == {}
    gallery.published.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("mark", ["favourite", "hidden"])
def test_only_local_callers_and_admins_set_marks(served: LiveServer, method: str, mark: str) -> None:
    path = f"/photos/{listed(served.url)[FISH]}/{mark}"
    for headers in (
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-forwarded-for": "10.0.0.1"},
    ):
        problem(httpx.request(method, f"{served.url}{path}", headers=headers), 403, "admins_only")
    own = {"origin": served.url, "sec-fetch-site": "same-origin"}
    assert httpx.request(method, f"{served.url}{path}", headers=own).status_code == 200
    (reader, entry), (admin, admins) = make(admin=False), make(admin=True)
    with listening(served.gallery, api_keys=f"{entry},{admins}") as url, httpx.Client(base_url=url) as client:
        problem(client.request(method, path), 401, "no_key")
        problem(client.request(method, path, headers={"x-api-key": reader}), 403, "admins_only")
        client.post("/session", headers={"x-api-key": admin})
        # A cookie is sent by whatever page asks; it allows looking only.
        problem(client.request(method, path), 401, "no_key")
        assert client.request(method, path, headers={"x-api-key": admin}).status_code == 200
    with listening(served.gallery, host="0.0.0.0") as url:
        problem(httpx.request(method, f"{url}{path}"), 403, "admins_only")


def test_marks_that_cannot_be_stored(served: LiveServer) -> None:
    number = listed(served.url)[FISH]
    (served.index / MARKS_FILE).mkdir()
    problem(httpx.put(f"{served.url}/photos/{number}/favourite"), 503, "mark_not_stored")
    assert searched(served.url) == set(NEWEST_FIRST)
    problem(httpx.put(f"{served.url}/photos/{'0' * 16}/favourite"), 404, "photo_not_found")


def test_a_photo_is_shown_by_a_file_manager_only_where_there_is_one(
    served: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = listed(served.url)[FISH]
    address = f"{served.url}/admin/reveal/{number}"
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    problem(httpx.post(address), 404, "no_file_manager")
    problem(httpx.post(address, headers={"origin": "http://evil.example"}), 403, "admins_only")
    # A bus without a file manager, and a desktop that opens folders.
    tools, told = tmp_path / "tools", tmp_path / "told"
    tools.mkdir()
    for name, status in (("dbus-send", 1), ("xdg-open", 0)):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >> "{told}"\nexit {status}\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    monkeypatch.setenv("DISPLAY", ":9")
    assert httpx.post(address).json() == {"revealed": True}
    asked = told.read_text().splitlines()
    assert asked[0].endswith(f"array:string:{(served.photos / FISH).as_uri()} string:")
    assert asked[1] == f"xdg-open {(served.photos / FISH).parent}"
    (served.photos / FISH).unlink()
    problem(httpx.post(address), 410, "photo_gone")
