"""The photos themselves over real HTTP: in parts, only when changed, in all sizes, gone, changed, and out of reach."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from indexer.decoding.budget import Budget
from indexer.decoding.thumbnails import thumbnail_path
from model import Encoder
from model.pictures.claims import claimed_bytes
from service.photos.sending import byte_range
from tests.kit.jobs import index_quickly
from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG, opened, problem
from tests.kit.service.servers import LiveServer, first, listening, serving
from tests.kit.shapes import picture


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    """A server whose library also holds what browsers do not show, and names that deceive."""
    folder = tmp_path_factory.mktemp("shelf")
    odd = folder / "photos" / "odd"
    odd.mkdir(parents=True)
    large = picture("fish", 5, size=1300)
    large.save(odd / "wide.tif")
    (odd / "phone.heic").write_bytes(encoded(large, "HEIF"))
    (odd / "jpeg inside.heic").write_bytes(encoded(large, "JPEG"))
    large.resize((300, 200)).save(odd / 'ein "Fisch" ü.png')
    with serving(folder, encoder) as server:
        yield server


def odd(server: LiveServer) -> dict[str, dict[str, str]]:
    with server.client() as client:
        results = client.post("/search?k=200", content=PNG).json()["results"]
    return {Path(one["path"]).name: one for one in results if one["path"].startswith("odd/")}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-5", slice(-5, None)),
        ("Bytes = 3 - 3", slice(3, 4)),
        ("bytes=5-999999999", slice(5, None)),
        ("bytes=-999999999", slice(0, None)),
    ],
)
def test_a_part_of_a_photo(live_server: LiveServer, header: str, expected: slice) -> None:
    path, result = first(live_server)
    data = path.read_bytes()
    with live_server.client() as client:
        answer = client.get(result["url"], headers={"range": header})
    assert (answer.status_code, answer.content) == (206, data[expected])
    start, end, _ = expected.indices(len(data))
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-3", "lines=1-2", "bytes=1-2,4-5", "bytes=²-3"],
)
def test_ranges_that_cannot_be_read_bring_the_whole(header: str) -> None:
    assert byte_range(header, 1000) is None


def test_bytes_that_are_not_there(live_server: LiveServer) -> None:
    path, result = first(live_server)
    size = path.stat().st_size
    with live_server.client() as client:
        for header in (f"bytes={size}-", "bytes=-0", f"bytes={10**18}-{10**18}"):
            answer = client.get(result["url"], headers={"range": header})
            problem(answer, 416, "range_not_satisfiable")
            assert answer.headers["content-range"] == f"bytes */{size}"


def test_if_range_gives_the_whole_once_the_photo_changed(own_server: LiveServer) -> None:
    path, result = first(own_server)
    with own_server.client() as client:
        before = client.get(result["url"]).headers
        for tag in (before["etag"], before["last-modified"]):
            part = client.get(result["url"], headers={"range": "bytes=0-4", "if-range": tag})
            assert (part.status_code, len(part.content)) == (206, 5)
        path.write_bytes(path.read_bytes() + b"more")
        os.utime(path, (1e9, 1e9))
        for tag in (before["etag"], before["last-modified"]):
            whole = client.get(result["url"], headers={"range": "bytes=0-4", "if-range": tag})
            assert (whole.status_code, whole.content) == (200, path.read_bytes())


def test_what_the_caller_has_is_not_sent_again(live_server: LiveServer) -> None:
    _, result = first(live_server)
    with live_server.client() as client:
        for url in (result["url"], result["thumbnail_url"], f"{result['url']}/thumbnail?size=large"):
            fresh = client.get(url)
            tag = fresh.headers["etag"]
            for given in (tag, f'"other", W/{tag}', "*"):
                again = client.get(url, headers={"if-none-match": given})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == tag
                assert again.headers["cache-control"] == fresh.headers["cache-control"]
            assert client.get(url, headers={"if-none-match": '"other"'}).status_code == 200
        modified = client.get(result["url"]).headers["last-modified"]
        for since, status in ((modified, 304), (formatdate(0, usegmt=True), 200), ("yesterday", 200)):
            assert client.get(result["url"], headers={"if-modified-since": since}).status_code == status


def test_head_reads_nothing(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    path, result = first(live_server)
    read: list[int] = []
    plain = os.pread
    monkeypatch.setattr(os, "pread", lambda *given: read.append(given[1]) or plain(*given))
    with live_server.client() as client:
        head = client.head(result["url"], headers={"range": "bytes=0-4"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(path.stat().st_size))
    assert sum(read) <= 256


def test_addresses_that_name_the_content_are_kept_for_good(live_server: LiveServer) -> None:
    _, result = first(live_server)
    with live_server.client() as client:
        assert "immutable" in client.get(result["thumbnail_url"]).headers["cache-control"]
        for query in ("", "?v=", "?v=00000000"):
            headers = client.get(f"{result['url']}/thumbnail{query}").headers
            assert headers["cache-control"] == "private, no-cache"
        problem(client.get(f"{result['url']}/thumbnail?size=huge"), 422, "invalid_request")


def test_three_sizes_of_every_kind_of_photo(shelf: LiveServer) -> None:
    found = odd(shelf)
    assert len(found) == 4
    with shelf.client() as client:
        for name, result in found.items():
            small = opened(client.get(result["thumbnail_url"]))
            medium = opened(client.get(f"{result['thumbnail_url']}&size=medium"))
            large = opened(client.get(f"{result['thumbnail_url']}&size=large"))
            assert max(small.size) == min(320, max(result["width"], result["height"])), name
            assert max(medium.size) == min(640, max(result["width"], result["height"])), name
            assert max(large.size) == min(1280, max(result["width"], result["height"])), name
    assert len(list((shelf.index / "thumbnails" / "1280").rglob("*.webp"))) == 3
    assert sorted(path.name for path in (shelf.photos / "odd").iterdir()) == sorted(found)


def test_originals_say_what_their_bytes_are(shelf: LiveServer) -> None:
    expected = {
        "wide.tif": ("image/tiff", "attachment"),
        "phone.heic": ("image/heic", "attachment"),
        "jpeg inside.heic": ("image/jpeg", "inline"),
        'ein "Fisch" ü.png': ("image/png", "inline"),
    }
    with shelf.client() as client:
        for name, result in odd(shelf).items():
            answer = client.get(result["url"])
            kind, way = expected[name]
            assert answer.headers["content-type"] == kind
            assert answer.headers["content-disposition"] == f"{way}; filename*=utf-8''{quote(name)}"
            assert "sandbox" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.content == (shelf.photos / "odd" / name).read_bytes()


def test_large_pictures_are_kept_within_a_limit(own_server: LiveServer) -> None:
    for seed in range(6):
        Image.effect_noise((700, 700), 90).save(own_server.photos / f"noise {seed}.png")
    index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
    own_server.gallery.refresh()
    kept = own_server.index / "thumbnails" / "1280"
    with listening(own_server.gallery, large_pictures_mb=1) as url, httpx.Client(base_url=url) as client:
        found = client.post("/search?k=200", content=PNG).json()["results"]
        noise = [f"{one['url']}/thumbnail?size=large" for one in found if one["path"].startswith("noise")]
        sizes = []
        for address in noise:
            opened(client.get(address))
            opened(client.get(noise[0]))  # which is looked at again and again
            sizes.append(sum(path.stat().st_size for path in kept.rglob("*.webp")))
        assert max(sizes) <= 2**20 < len(noise) * sizes[0]
        content = client.get(noise[0]).headers["etag"].strip('"').partition("-")[0]
        assert thumbnail_path(own_server.index / "thumbnails", content, "large").exists()
    with listening(own_server.gallery, large_pictures_mb=0) as url, httpx.Client(base_url=url) as client:
        shutil.rmtree(kept)
        opened(client.get(noise[0]))
        assert not kept.exists()


def test_memory_for_large_pictures_is_shared(own_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    path, result = first(own_server)
    shared: list[int] = []
    share = Budget.share

    def watched(budget: Budget, wanted: int) -> AbstractContextManager[None]:
        shared.append(wanted)
        return share(budget, wanted)

    monkeypatch.setattr(Budget, "share", watched)
    with own_server.client() as client:
        opened(client.get(f"{result['url']}/thumbnail?size=large"))
    assert shared == [claimed_bytes(path.read_bytes())]


def test_pictures_go_with_their_photo(own_server: LiveServer) -> None:
    path, result = first(own_server)
    with own_server.client() as client:
        opened(client.get(f"{result['url']}/thumbnail?size=large"))
    assert len(list(own_server.index.glob("thumbnails/640/*/*.webp"))) == 1
    path.unlink()
    index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
    assert not list(own_server.index.glob("thumbnails/640/*/*.webp"))
