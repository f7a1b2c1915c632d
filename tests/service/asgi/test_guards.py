"""What must not get in or out: other names, links and pipes, slow and large bodies; and watching that never ends."""

import os
import shutil
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image, ImageDraw

from service.asgi.guard import allowed_hosts
from service.settings import Settings
from tests.kit.jobs import index_quickly
from tests.kit.pictures import encoded
from tests.kit.service.asking import PNG, problem, wait_for
from tests.kit.service.servers import LiveServer, first, listening
from tests.kit.shapes import drawing, picture


def test_other_names_are_turned_away(live_server: LiveServer) -> None:
    port = live_server.url.rsplit(":", 1)[1]
    with live_server.client() as client:
        for host in ("evil.example.com", f"evil.example.com:{port}", "127.0.0.1.evil.example.com", ""):
            problem(client.get("/livez", headers={"host": host}), 421, "misdirected_request")
        for host in ("localhost", f"localhost:{port}", "LOCALHOST", "[::1]:8000", "127.0.0.1"):
            assert client.get("/livez", headers={"host": host}).status_code == 200


def test_which_names_are_allowed() -> None:
    assert allowed_hosts(Settings(host="0.0.0.0")) is None
    assert allowed_hosts(Settings(host="127.0.0.2")) == {"localhost", "127.0.0.1", "[::1]", "127.0.0.2"}
    assert allowed_hosts(Settings(allowed_hosts="Photos.home, nas")) == {"photos.home", "nas"}


@pytest.mark.parametrize("became", ["link", "pipe", "another picture", "folder"])
def test_a_photo_that_became_something_else_has_no_thumbnail(own_server: LiveServer, became: str) -> None:
    photo, result = first(own_server)
    photo.unlink()
    secret = own_server.photos.parent / "secret.png"
    picture("star", 99).save(secret)
    if became == "link":
        photo.symlink_to(secret)
    elif became == "pipe":
        os.mkfifo(photo)
    elif became == "folder":
        photo.mkdir()
    else:
        shutil.copy(secret, photo)
    shutil.rmtree(own_server.index / "thumbnails")
    with own_server.client() as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get, [result["thumbnail_url"]] * 45))
        for answer in answers:
            problem(answer, 410, "photo_changed" if became == "another picture" else "photo_gone")
        assert client.post("/search", content=PNG).status_code == 200


def test_an_empty_thumbnail_is_made_again(own_server: LiveServer) -> None:
    _, result = first(own_server)
    with own_server.client() as client:
        for path in (own_server.index / "thumbnails").rglob("*.webp"):
            path.write_bytes(b"")
        answers = [client.get(result["thumbnail_url"]) for _ in range(3)]
    assert {len(answer.content) > 100 for answer in answers} == {True}


def test_a_slow_body_is_given_up(live_server: LiveServer) -> None:
    with listening(live_server.gallery, body_seconds=0.3) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            slow.sendall(b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
            answer = slow.recv(4096).decode()
        assert " 408 " in answer.splitlines()[0]
        assert httpx.post(f"{url}/search", content=PNG).status_code == 200


def test_head_answers_like_get_without_a_body(live_server: LiveServer) -> None:
    _, result = first(live_server)
    with live_server.client() as client:
        for address in ("/", "/livez", result["url"], result["thumbnail_url"]):
            head, get = client.head(address), client.get(address)
            assert (head.status_code, head.content) == (200, b""), address
            assert head.headers["content-length"] == get.headers["content-length"]


def test_an_index_made_anew_is_taken_up(own_server: LiveServer) -> None:
    """Again generation 000001, but another one."""
    shutil.rmtree(own_server.index)
    picture("star", 77).save(own_server.photos / "new.png")
    index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
    with own_server.client() as client:
        ready = wait_for(client, lambda ready: ready["photos"] == 31)
    assert ready["generation"] == "000001"


def test_watching_survives_whatever_it_finds(own_server: LiveServer) -> None:
    hostile = own_server.index / "generations" / "000007"
    hostile.mkdir()
    (hostile / "manifest.json").write_text("[" * 200_000)
    (own_server.index / "CURRENT").write_text("000007\n")
    with own_server.client() as client:
        wait_for(client, lambda ready: ready["reasons"])
        picture("star", 77).save(own_server.photos / "new.png")
        index_quickly(own_server.index, own_server.photos, own_server.gallery.encoder)
        wait_for(client, lambda ready: ready["photos"] == 31 and not ready["reasons"])


def _dot() -> bytes:
    dot = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(dot).ellipse((250, 250, 258, 258), fill="black")
    return encoded(dot, "PNG")


def _white_on_nothing() -> bytes:
    strokes = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    strokes.paste(
        (255, 255, 255, 255), mask=drawing("fish").resize((512, 512)).convert("L").point(lambda v: 255 - v)
    )
    return encoded(strokes, "PNG")


SKETCHES: dict[str, Callable[[], bytes]] = {
    "one dot": _dot,
    "white on nothing": _white_on_nothing,
    "animated": lambda: encoded(drawing("fish"), "GIF", save_all=True, append_images=[drawing("star")]),
    "thin and huge": lambda: encoded(drawing("fish", size=3000), "PNG"),
    "tiny": lambda: encoded(drawing("fish", size=24), "PNG"),
    "inverted": lambda: encoded(Image.eval(drawing("fish"), lambda v: 255 - v), "WEBP", lossless=True),
    "all black": lambda: encoded(Image.new("RGB", (512, 512)), "PNG"),
    "nothing": lambda: encoded(Image.new("RGBA", (512, 512)), "PNG"),
}


@pytest.mark.parametrize("name", SKETCHES)
def test_unusual_drawings(live_server: LiveServer, name: str) -> None:
    with live_server.client() as client:
        answer = client.post("/search?k=3", content=SKETCHES[name]())
    if name in {"all black", "nothing"}:
        problem(answer, 422, "empty_drawing")
    else:
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == 3


def test_refused_bodies_still_get_their_answer(live_server: LiveServer) -> None:
    with live_server.client() as client:
        for _ in range(5):
            problem(client.post("/search", content=bytes(22 * 2**20)), 413, "content_too_large")
        assert client.post("/search", content=PNG).status_code == 200
    assert httpx.get(f"{live_server.url}/livez").json() == {"alive": True}
