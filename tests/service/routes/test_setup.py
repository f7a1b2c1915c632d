"""From nothing to a library, as the page does it: over real HTTP, with real runs."""

import shutil
from pathlib import Path

import httpx
import pytest

from indexer import IndexProblem
from model import SKETCH_CAPS, Encoder
from service.asgi import keys
from service.search.gallery import Gallery
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import listening
from tests.kit.service.setting_up import settled, started, state
from tests.kit.shapes import write_library


def test_without_an_index_everything_answers_that_there_is_nothing(client: httpx.Client, home: Path) -> None:
    ready = client.get("/readyz")
    assert ready.status_code == 503
    told = ready.json()
    assert (told["ready"], told["setup"], told["photos"]) == (False, True, 0)
    assert told["reasons"] == ["no photos are indexed yet"]
    assert client.get("/").status_code == 200
    assert client.get("/index").json()["photos"] == 0
    assert client.get("/info").json()["photos"] == 0
    assert client.get("/metrics").status_code == 200
    found = client.post("/search", content=PNG).json()
    assert (found["results"], found["total_searched"]) == ([], 0)
    assert client.get("/search?text=a+fish&folder=2019&fold_duplicates=true").json()["results"] == []
    problem(client.get("/search?like=1f0c5b7a9e3d2468"), 404, "photo_not_found")
    problem(client.get("/photos/1f0c5b7a9e3d2468"), 404, "photo_not_found")
    assert client.post("/admin/reload").json()["swapped"] is False
    library = state(client)
    assert (library["state"], library["configured"], library["folders"]) == ("empty", False, [])
    assert not list(home.rglob("*")), "looking must not create anything"


def test_from_a_folder_to_found_photos_and_back(client: httpx.Client, home: Path) -> None:
    photos = write_library(home / "Pictures")
    begun = client.post("/admin/library/folders", json={"path": str(photos)})
    assert begun.status_code == 200, begun.text
    assert (begun.json()["state"], begun.json()["configured"]) == ("running", True)
    assert [folder["path"] for folder in begun.json()["folders"]] == [str(photos)]
    problem(client.post("/admin/library/folders", json={"path": str(photos)}), 409, "already_running")
    problem(client.post("/admin/reindex"), 409, "already_running")
    problem(client.post("/admin/resume"), 409, "already_running")
    done = settled(client)
    assert (done["state"], done["published"], done["problem"]) == ("idle", 15, None)
    assert done["folders"] == [{"path": str(photos), "photos": 15, "missing": False}]
    assert done["last_run"]["state"] == "done"
    assert client.get("/readyz").json()["ready"] is True
    assert len(client.post("/search?k=5", content=PNG).json()["results"]) == 5

    gone = client.delete("/admin/library/folders", params={"path": str(photos)})
    assert gone.json()["folders"] == []
    assert settled(client)["published"] == 0
    assert len(list(photos.rglob("*.*"))) == 15, "removing a folder from the library leaves it alone"
    missing = client.delete("/admin/library/folders", params={"path": str(photos)})
    problem(missing, 404, "folder_not_found")


def test_a_second_folder_joins_the_run_of_the_first(client: httpx.Client, home: Path) -> None:
    first, second = write_library(home / "first"), write_library(home / "second" / "deep", each=1)
    for folder in (first, second):
        assert client.post("/admin/library/folders", json={"path": str(folder)}).status_code == 200
    done = settled(client)
    assert {folder["path"]: folder["photos"] for folder in done["folders"]} == {
        str(first): 15,
        str(second): 5,
    }
    assert done["published"] == 20


def test_a_pause_outlives_the_service_and_ends_when_resumed(home: Path, encoder: Encoder) -> None:
    photos, index = write_library(home / "Pictures"), home / "index"
    with started(index, encoder) as client:
        client.post("/admin/library/folders", json={"path": str(photos)})
        paused = client.post("/admin/pause").json()
        assert (paused["state"], paused["progress"]) == ("paused", None)
        assert client.get("/admin/reindex").json()["state"] in ("stopped", "done")
    with started(index, encoder) as client:
        still = state(client)
        assert (still["state"], [folder["path"] for folder in still["folders"]]) == ("paused", [str(photos)])
        assert client.get("/admin/reindex").json()["state"] == "never"
        assert client.post("/admin/resume").json()["state"] == "running"
        assert settled(client)["published"] == 15


def test_a_run_that_the_service_cut_off_goes_on_with_the_next(home: Path, encoder: Encoder) -> None:
    photos, index = write_library(home / "Pictures"), home / "index"
    with started(index, encoder) as client:
        client.post("/admin/library/folders", json={"path": str(photos)})
    with started(index, encoder, resume=False) as client:
        assert client.get("/admin/reindex").json()["state"] == "never"
    with started(index, encoder) as client:
        assert settled(client)["published"] == 15
    with started(index, encoder) as client:
        assert client.get("/admin/reindex").json()["state"] == "never", "nothing was left to do"


def test_nothing_of_it_is_for_others(client: httpx.Client, home: Path) -> None:
    write_library(home / "Pictures")
    path = str(home / "Pictures")
    host = client.base_url.netloc.decode()
    foreign: list[dict[str, str]] = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-forwarded-for": "10.0.0.1"},
        {"forwarded": "for=10.0.0.1"},
        {"via": "1.1 proxy"},
        {"x-real-ip": "10.0.0.1"},
        {"x-forwarded-host": "photos.example.org"},
        {"cf-connecting-ip": "10.0.0.1"},
        {"origin": f"http://evil.example//{host}"},
    ]
    for headers in foreign:
        for answer in _everything(client, path, headers):
            problem(answer, 403, "admins_only")
    for name in ("photos.example.org", "[::1].evil.example", "localhost:80@evil.example", "127.0.0.1:evil"):
        for answer in _everything(client, path, {"host": name}):
            problem(answer, 421, "misdirected_request")
    assert state(client)["state"] == "empty"
    own = {"origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert client.get("/admin/folders", headers=own).status_code == 200


def _everything(client: httpx.Client, path: str, headers: dict[str, str]) -> list[httpx.Response]:
    return [
        client.get("/admin/library", headers=headers),
        client.get("/admin/folders", headers=headers),
        client.get("/admin/folders", params={"path": path}, headers=headers),
        client.get("/admin/folders/count", params={"path": path}, headers=headers),
        client.post("/admin/library/folders", json={"path": path}, headers=headers),
        client.delete("/admin/library/folders", params={"path": path}, headers=headers),
        client.post("/admin/pause", headers=headers),
        client.post("/admin/resume", headers=headers),
        client.post("/admin/reindex", headers=headers),
    ]


def test_with_keys_only_an_admin_may(home: Path, encoder: Encoder) -> None:
    plain, admin = keys.make(admin=False), keys.make(admin=True)
    with started(home / "index", encoder, api_keys=f"{plain[1]},{admin[1]}") as client:
        for answer in _everything(client, str(home), {}):
            problem(answer, 401, "no_key")
        for answer in _everything(client, str(home), {"x-api-key": plain[0]}):
            problem(answer, 403, "admins_only")
        assert client.get("/admin/folders", headers={"x-api-key": admin[0]}).status_code == 200
        # A session's cookie searches; it is no admin.
        client.post("/session", headers={"x-api-key": admin[0]})
        problem(client.get("/admin/library"), 401, "no_key")


def test_an_index_that_cannot_be_written_says_so(home: Path, encoder: Encoder) -> None:
    write_library(home / "Pictures")
    (home / "file").touch()
    with started(home / "file" / "index", encoder) as client:
        answer = client.post("/admin/library/folders", json={"path": str(home / "Pictures")})
        problem(answer, 503, "index_unwritable")
        assert state(client)["state"] == "empty"


def test_an_index_deleted_while_it_serves_can_be_made_again(
    home: Path, encoder: Encoder, index: Path
) -> None:
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    with listening(gallery) as url, httpx.Client(base_url=url) as client:
        one = client.get("/photos").json()["photos"][0]["id"]
        shutil.rmtree(index)
        assert client.post("/pictures", files={"picture": PNG}).status_code == 503
        assert client.put(f"/photos/{one}/favourite").status_code == 503
        assert not index.exists(), "nothing is left that would be in the way"
    gallery.published.close()
    # As a service of an older version leaves it.
    (index / "thumbnails" / "640").mkdir(parents=True)
    (index / "shared" / "a1").mkdir(parents=True)
    (index / "setup.json").write_text("{}")
    assert len(Gallery(index, encoder, SKETCH_CAPS).published) == 0
    (index / "thumbnails" / "holiday").mkdir()
    with pytest.raises(IndexProblem):
        Gallery(index, encoder, SKETCH_CAPS)


def test_other_files_and_damage_are_no_empty_library(tmp_path: Path, encoder: Encoder, index: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    (index / "CURRENT").unlink()
    for folder in (tmp_path / "mine", index):
        with pytest.raises(IndexProblem):
            Gallery(folder, encoder, SKETCH_CAPS)
