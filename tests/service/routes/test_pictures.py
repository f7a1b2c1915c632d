"""/pictures over real HTTP: what is kept, for how long, in how much room, and what is refused or not sent."""

import errno
import io
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from model import Encoder
from service.asgi.keys import make
from service.commands.serve import upload_caps
from service.photos import shared
from service.search.gallery import Gallery
from service.settings import Settings
from tests.kit.damage import flip
from tests.kit.pictures import bomb_png, drawing_png, encoded, jpeg, photo
from tests.kit.raw import dng
from tests.kit.service.asking import PNG, opened, problem
from tests.kit.service.servers import LiveServer, listening, serving


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    with serving(tmp_path_factory.mktemp("desk"), encoder) as server:
        yield server


def keep(client: httpx.Client, data: bytes) -> dict[str, str]:
    answer = client.post("/pictures", content=data, headers={"content-type": "image/png"})
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def files(server: LiveServer) -> list[Path]:
    return sorted((server.index / "shared").rglob("*.*"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "TIFF", "AVIF", "GIF", "BMP"])
def test_whatever_the_index_reads_becomes_a_webp(desk: LiveServer, kind: str) -> None:
    with desk.client() as client:
        kept = keep(client, encoded(photo(1100, 825), kind))
        assert kept["url"] == f"/pictures/{kept['id']}"
        answer = client.get(kept["url"])
        shown = opened(answer)
        assert (shown.size, shown.format, len(kept["id"])) == ((1024, 768), "WEBP", 32)
        expected = np.asarray(photo(1100, 825).resize((64, 48)), float)
        assert np.abs(np.asarray(shown.convert("RGB").resize((64, 48)), float) - expected).mean() < 12
        assert answer.headers["cache-control"].startswith("private")
        again = client.get(kept["url"], headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_small_one_stays_small_and_keeps_what_is_transparent(desk: LiveServer) -> None:
    with desk.client() as client:
        kept = keep(client, drawing_png(200, mode="RGBA", ink="white", paper=(0, 0, 0, 0)))
        shown = opened(client.get(kept["url"]))
    assert (shown.size, shown.mode) == ((200, 200), "RGBA")
    assert shown.getchannel("A").getextrema() == (0, 255)


def test_a_form_works_and_the_same_picture_has_the_same_id(desk: LiveServer) -> None:
    with desk.client() as client:
        kept = keep(client, PNG)
        before = files(desk)
        answer = client.post("/pictures", files={"picture": ("fish.png", PNG)})
        assert (answer.json(), files(desk)) == (kept, before)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: keep(client, jpeg(900, 700, 3))["id"], range(8)))
        assert len(set(found)) == 1
        assert len(files(desk)) == len(before) + 1
        assert not [path for path in files(desk) if path.suffix != ".webp"]


def test_what_is_no_picture_is_refused(desk: LiveServer) -> None:
    with desk.client() as client:
        for data, code in ((b"", "no_photo"), (b"hello", "bad_image"), (PNG[:200], "bad_image")):
            problem(client.post("/pictures", content=data), 422, code)
        problem(client.post("/pictures", content=bomb_png()), 422, "bad_image")
        problem(client.post("/pictures", content=bytes(21 * 2**20)), 413, "content_too_large")
        kind = {"content-type": "text/plain"}
        problem(client.post("/pictures", content=PNG, headers=kind), 415, "unsupported_media_type")
        fields = client.post("/pictures", data={"picture": "text"})
        assert "a picture in `picture`" in problem(fields, 415, "unsupported_media_type")
        for form in ({"sketch": PNG}, {"picture": PNG, "photo": PNG}):
            problem(client.post("/pictures", files=form), 422, "invalid_request")
        problem(client.post("/pictures", files={"picture": ("", b"")}), 422, "no_photo")


@pytest.mark.parametrize("name", ["0" * 32, "0", "A" * 32, "..%5Ccatalogue", "%00", "0" * 33])
def test_what_is_not_kept_is_not_found(desk: LiveServer, name: str) -> None:
    with desk.client() as client:
        problem(client.get(f"/pictures/{name}"), 404, "picture_not_found")


def test_damage_is_not_sent_and_heals(own_server: LiveServer) -> None:
    with own_server.client() as client:
        kept, other = keep(client, PNG), keep(client, jpeg())
        (file,) = (path for path in files(own_server) if path.stem == kept["id"])
        whole = file.read_bytes()
        flip(file, len(whole) // 2)
        problem(client.get(kept["url"]), 404, "picture_not_found")
        assert keep(client, PNG) == kept
        assert file.read_bytes() == whole
        # Another picture under this name, with a checksum of its own.
        shutil.copyfile(next(path for path in files(own_server) if path.stem == other["id"]), file)
        problem(client.get(kept["url"]), 404, "picture_not_found")


def test_what_nobody_opened_for_long_goes(own_server: LiveServer) -> None:
    with (
        listening(own_server.gallery, shared_days=2) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        kept = [keep(client, jpeg(seed=seed)) for seed in range(3)]
        where = {path.stem: path for path in files(own_server)}
        for one, days in zip(kept, (3, 1.9, 0), strict=True):
            _age(where[one["id"]], days)
        problem(client.get(kept[0]["url"]), 404, "picture_not_found")
        opened(client.get(kept[1]["url"]))
        _age(where[kept[2]["id"]], 1.9)
    # Another service finds it in the folder and removes it.
    with listening(own_server.gallery, shared_days=1) as url, httpx.Client(base_url=url) as client:
        keep(client, PNG)
    assert [where[one["id"]].exists() for one in kept] == [False, True, False]


def _age(path: Path, days: float) -> None:
    then = path.stat().st_mtime - days * 24 * 3600
    os.utime(path, (then, then))


def test_they_stay_within_their_room_and_the_oldest_go_first(own_server: LiveServer) -> None:
    noise = [encoded(Image.effect_noise((1000, 1000), 30 + seed), "PNG") for seed in range(6)]
    with (
        listening(own_server.gallery, shared_pictures_mb=1) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        kept, sizes = [], []
        for number, data in enumerate(noise):
            kept.append(keep(client, data))
            sizes.append(sum(path.stat().st_size for path in files(own_server)))
            if number == 1:
                _age_all_but(own_server, kept[0]["id"])
        assert max(sizes) <= 2**20
        there = [client.get(one["url"]).status_code for one in kept]
        assert (there[1], there[-1]) == (404, 200)
    with listening(own_server.gallery, shared_pictures_mb=0) as url, httpx.Client(base_url=url) as client:
        answer = client.post("/pictures", content=jpeg(seed=9))
        assert "SHARED_PICTURES_MB" in problem(answer, 507, "no_room")


def _age_all_but(server: LiveServer, name: str) -> None:
    for path in files(server):
        if path.stem != name:
            _age(path, 1)


@pytest.mark.parametrize(
    ("number", "status", "code"), [(errno.ENOSPC, 507, "no_room"), (errno.EROFS, 503, "index_unwritable")]
)
def test_a_disk_that_takes_nothing_says_so(
    desk: LiveServer, monkeypatch: pytest.MonkeyPatch, number: int, status: int, code: str
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    new = jpeg(seed=number)
    with desk.client() as client:
        monkeypatch.setattr(shared, "write_thumbnail", refused)
        problem(client.post("/pictures", content=new), status, code)
        monkeypatch.undo()
        opened(client.get(keep(client, new)["url"]))


def test_a_full_disk_leaves_nothing_behind(own_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        with io.FileIO(path, "w") as file:
            file.write(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with own_server.client() as client:
        problem(client.post("/pictures", content=PNG), 507, "no_room")
    assert files(own_server) == []


def test_without_a_key_nobody_gets_in(desk: LiveServer) -> None:
    key, entry = make(admin=False)
    with (
        listening(desk.gallery, api_keys=entry) as url,
        httpx.Client(base_url=url) as stranger,
        httpx.Client(base_url=url, headers={"x-api-key": key}) as client,
    ):
        problem(stranger.post("/pictures", content=PNG), 401, "no_key")
        kept = keep(client, PNG)
        problem(stranger.get(kept["url"]), 401, "no_key")
        # A page elsewhere that holds a key is no forgery.
        answer = client.post("/pictures", content=PNG, headers={"origin": "https://elsewhere.example"})
        assert answer.status_code == 200
        cookies = client.post("/session").cookies
        assert opened(httpx.get(url + kept["url"], cookies=cookies)).format == "WEBP"
        forged = {"sec-fetch-site": "cross-site"}
        problem(
            httpx.post(f"{url}/pictures", content=PNG, cookies=cookies, headers=forged), 403, "other_site"
        )


def test_pages_of_other_sites_cannot_fill_the_disk(own_server: LiveServer) -> None:
    elsewhere: list[dict[str, str]] = [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:3000"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ]
    here: list[dict[str, str]] = [{"sec-fetch-site": "same-origin"}, {}]
    with own_server.client() as client:
        for headers in elsewhere:
            answer = client.post("/pictures", files={"picture": PNG}, headers=headers)
            assert (answer.status_code, files(own_server)) == (403, []), headers
        for headers in here:
            answer = client.post("/pictures", files={"picture": PNG}, headers=headers)
            (kept,) = files(own_server)
            kept.unlink()
            assert answer.status_code == 200, headers


@pytest.mark.parametrize("part", ["photo", "sketch"])
@pytest.mark.parametrize("kind", ["HEIF", "TIFF"])
def test_searches_take_what_phones_and_scanners_make(desk: LiveServer, kind: str, part: str) -> None:
    source = drawing_png() if part == "sketch" else encoded(photo(), "PNG")
    with Image.open(io.BytesIO(source)) as image, desk.client() as client:
        plain = client.post("/search?k=5", files={part: source}).json()["results"]
        same = client.post("/search?k=5", files={part: encoded(image, kind, quality=95)})
    assert same.status_code == 200, same.text
    assert same.json()["results"][0]["id"] == plain[0]["id"]
    assert same.json()["results"][0]["score"] == pytest.approx(plain[0]["score"], abs=0.03)


def test_raw_files_are_taken_where_only_this_machine_sends_them(desk: LiveServer) -> None:
    pytest.importorskip("rawpy")
    data = dng(encoded(photo(600, 400), "JPEG", quality=95), (600, 400))
    gallery = desk.gallery
    here = Gallery(gallery.index, gallery.encoder, upload_caps(Settings()), gallery.published)
    with listening(here) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert opened(client.get(keep(client, data)["url"])).size == (600, 400)
        for part in ("photo", "sketch"):
            assert client.post("/search?k=1", files={part: data}).status_code == 200
    for elsewhere in ({"host": "0.0.0.0"}, {"allowed_hosts": "photos.example"}):
        assert not upload_caps(Settings.model_validate(elsewhere)).raw
