"""Photos that changed since they were indexed, are gone, or are out of reach: told as they are, over real HTTP."""

import os
import shutil
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from model import Encoder
from tests.kit.service.asking import PNG, opened, problem
from tests.kit.service.servers import LiveServer, first, serving
from tests.kit.shapes import picture
from tests.kit.waiting import until


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
