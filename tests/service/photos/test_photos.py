"""The photos themselves over real HTTP: in parts, only when changed, in two sizes, gone, changed, and out of reach."""

import io
import os
import shutil
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from indexer import Silent, run
from indexer.decoding.budget import Budget
from indexer.decoding.thumbnails import thumbnail_path
from model import Encoder
from model.pictures.claims import claimed_bytes
from service.photos.sending import byte_range
from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer, listening, serving
from tests.kit.shapes import picture
from tests.kit.waiting import until


def first(server: LiveServer) -> tuple[Path, dict[str, str]]:
    with server.client() as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
    return server.photos / result["path"], result


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[LiveServer]:
    """A server whose library also holds what browsers do not show, and names that deceive."""
    folder = tmp_path_factory.mktemp("shelf")
    odd = folder / "photos" / "odd"
    odd.mkdir(parents=True)
    large = picture("fish", 5, size=1600)
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


def test_two_sizes_of_every_kind_of_photo(shelf: LiveServer) -> None:
    found = odd(shelf)
    assert len(found) == 4
    with shelf.client() as client:
        for name, result in found.items():
            small = opened(client.get(result["thumbnail_url"]))
            large = opened(client.get(f"{result['thumbnail_url']}&size=large"))
            assert max(small.size) == min(320, max(result["width"], result["height"])), name
            assert max(large.size) == min(1024, max(result["width"], result["height"])), name
    assert len(list((shelf.index / "thumbnails" / "large").rglob("*.webp"))) == 4
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
    for seed in range(8):
        Image.effect_noise((1100, 1100), 90).save(own_server.photos / f"noise {seed}.png")
    run(own_server.index, [own_server.photos], own_server.gallery.encoder, Silent())
    own_server.gallery.refresh()
    kept = own_server.index / "thumbnails" / "large"
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
    assert len(list((own_server.index / "thumbnails" / "large").rglob("*.webp"))) == 1
    path.unlink()
    run(own_server.index, [own_server.photos], own_server.gallery.encoder, Silent())
    assert not list((own_server.index / "thumbnails" / "large").rglob("*.webp"))


def test_an_index_that_takes_no_files_still_shows_photos(own_server: LiveServer) -> None:
    _, result = first(own_server)
    shutil.rmtree(own_server.index / "thumbnails")
    # A file in its place refuses everybody, root too.
    (own_server.index / "thumbnails").write_text("")
    with own_server.client() as client:
        opened(client.get(result["thumbnail_url"]))
        opened(client.get(f"{result['url']}/thumbnail?size=large"))


def test_a_photo_that_changed_is_sent_as_it_is_and_not_shown_as_it_was(own_server: LiveServer) -> None:
    path, result = first(own_server)
    picture("star", 50).save(path)
    with own_server.client() as client:
        assert client.get(result["url"]).content == path.read_bytes()
        opened(client.get(result["thumbnail_url"]))
        large = client.get(f"{result['url']}/thumbnail?size=large")
        assert "index again" in problem(large, 410, "photo_changed")


@pytest.mark.parametrize(
    "became", ["link", "linked folder", "pipe", "folder", "socket", "nothing", "no drive"]
)
def test_a_photo_that_became_something_else_is_gone(own_server: LiveServer, became: str) -> None:
    path, result = first(own_server)
    secret = own_server.photos.parent / "secret"
    secret.mkdir()
    picture("star", 99).save(secret / path.name)
    held: list[socket.socket] = []
    if became == "linked folder":
        shutil.rmtree(path.parent)
        path.parent.symlink_to(secret)
    elif became == "no drive":
        own_server.photos.rename(own_server.photos.with_name("away"))
    else:
        path.unlink()
        if became == "link":
            path.symlink_to(secret / path.name)
        elif became == "pipe":
            os.mkfifo(path)
        elif became == "folder":
            path.mkdir()
        elif became == "socket":
            held.append(socket.socket(socket.AF_UNIX))
            held[0].bind(os.path.relpath(path))
    with own_server.client() as client:
        problem(client.get(result["url"]), 410, "photo_gone")
        problem(client.get(f"{result['url']}/thumbnail?size=large"), 410, "photo_gone")
        opened(client.get(result["thumbnail_url"]))
    for one in held:
        one.close()


def test_a_link_to_the_photo_folder_and_one_inside_it(tmp_path: Path, encoder: Encoder) -> None:
    """The folder that is given may be a link; a photo that becomes a link to its neighbour is gone all the same."""
    (tmp_path / "real").mkdir()
    (tmp_path / "photos").symlink_to(tmp_path / "real")
    with serving(tmp_path, encoder) as server:
        path, result = first(server)
        with server.client() as client:
            assert client.get(result["url"]).content == path.read_bytes()
            neighbour = next(other for other in path.parent.iterdir() if other != path)
            path.unlink()
            path.symlink_to(neighbour.name)
            problem(client.get(result["url"]), 410, "photo_gone")


@pytest.mark.skipif(os.geteuid() == 0, reason="nobody keeps root from reading")
def test_a_photo_without_permission_is_not_gone(own_server: LiveServer) -> None:
    path, result = first(own_server)
    path.chmod(0)
    with own_server.client() as client:
        problem(client.get(result["url"]), 503, "photo_unreadable")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_too_many_open_files_do_not_make_a_photo_gone(
    own_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, result = first(own_server)
    plain = os.open

    def full(*given: object, **more: object) -> int:
        if "dir_fd" in more:
            raise OSError(24, "Too many open files")
        return plain(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", full)
    with own_server.client() as client:
        refusal = client.get(result["url"])
    problem(refusal, 503, "photo_unreadable")
    assert refusal.headers["retry-after"] == "5"


def test_a_photo_that_is_cut_while_it_is_sent_is_not_taken_for_the_whole(own_server: LiveServer) -> None:
    path, result = first(own_server)
    path.write_bytes(bytes(2**26))
    with own_server.client() as client, client.stream("GET", result["url"]) as answer:
        assert answer.headers["content-length"] == str(2**26)
        os.truncate(path, 2**20)
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


def test_a_drive_that_does_not_answer_holds_up_no_search(
    own_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, result = first(own_server)
    free, waiting, plain = threading.Event(), threading.Semaphore(0), os.open

    def hanging(*given: object, **more: object) -> int:
        if "dir_fd" in more:
            waiting.release()
            free.wait(120)
        return plain(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", hanging)
    with own_server.client() as client, ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(httpx.get, own_server.url + result["url"], timeout=120) for _ in range(60)]
        assert all(waiting.acquire(timeout=60) for _ in range(16))
        assert client.post("/search", content=PNG).status_code == 200
        assert client.get(result["thumbnail_url"]).status_code == 200
        assert client.post("/admin/reload").status_code == 200
        assert not any(answer.done() for answer in asked)
        free.set()
        assert {answer.result().status_code for answer in asked} == {200}


def test_callers_who_hang_up_leave_no_file_open(own_server: LiveServer) -> None:
    path, result = first(own_server)
    path.write_bytes(bytes(2**26))

    def still_open() -> int:
        return sum(os.path.realpath(fd) == str(path) for fd in Path("/proc/self/fd").iterdir())

    for _ in range(8):
        with own_server.client() as client, client.stream("GET", result["url"]) as answer:
            next(answer.iter_raw(1000))
    until(lambda: still_open() == 0)
