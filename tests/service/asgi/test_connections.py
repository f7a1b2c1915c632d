"""Callers who are slow, silent, too many, or send too much: bounded, and answered where they can be."""

import json
import socket
from contextlib import ExitStack

import httpx
import pytest

from service.asgi.connections import allow_files
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer, listening
from tests.kit.service.sockets import HEAD, dial, dialled, heard
from tests.kit.waiting import until

MUCH = 2**20


@pytest.mark.slow
def test_three_hundred_half_sent_bodies_keep_nobody_else_waiting(live_server: LiveServer) -> None:
    half = HEAD + b"Content-Length: 100000\r\n\r\n" + PNG[:500]
    # They stay for as long as the test lasts: whoever waited for them would never be answered.
    patient = {"body_seconds": 600, "max_searches": 4, "stop_seconds": 1}
    with listening(live_server.gallery, **patient) as url, dialled(url, 300, half):
        for _ in range(5):
            assert httpx.post(f"{url}/search", content=PNG, timeout=60).status_code == 200
    with listening(live_server.gallery, body_seconds=1, max_searches=4) as url:
        with dialled(url, 300, half) as callers:
            for caller in callers:
                assert heard(caller).startswith(b"HTTP/1.1 408 ")
        assert httpx.post(f"{url}/search", content=PNG).status_code == 200


@pytest.mark.parametrize(
    "first", [b"", b"POST /sea", HEAD, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=range(4)
)
def test_who_says_nothing_more_is_cut_off(live_server: LiveServer, first: bytes) -> None:
    """Also who says a little from time to time; an answered request gains nobody more time."""
    with listening(live_server.gallery, keep_alive_seconds=1) as url, dial(url, first) as caller:
        caller.settimeout(0.3)

        def is_cut_off() -> bool:
            try:
                return caller.recv(65536) == b""
            except TimeoutError:
                caller.sendall(b"X")
                return False
            except ConnectionError:
                return True

        until(is_cut_off)


def test_one_connection_too_many_is_told_so(live_server: LiveServer) -> None:
    with listening(live_server.gallery, max_connections=20, keep_alive_seconds=2) as url:
        with dialled(url, 20, b""):
            until(lambda: b"HTTP/1.1 503" in _asked(url))
            told = _asked(url)
            head, _, body = told.partition(b"\r\n\r\n")
            assert b"application/problem+json" in head
            assert b"retry-after: 1" in head
            assert json.loads(body)["code"] == "busy"
        until(lambda: _asked(url).startswith(b"HTTP/1.1 200"))
        # Those who are silent make room by themselves.
        with dialled(url, 20, b""):
            until(lambda: _asked(url).startswith(b"HTTP/1.1 200"))


def _asked(url: str) -> bytes:
    with dial(url, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as caller:
        try:
            return heard(caller)
        except ConnectionError:
            return b""


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"], ids=["announced", "chunked"]
)
def test_who_sends_too_much_reads_the_answer_while_sending(live_server: LiveServer, framing: bytes) -> None:
    """The answer comes first and the rest is taken in behind it: nobody has to have sent all to read why not."""
    with (
        listening(live_server.gallery, max_upload_mb=1) as url,
        dial(url, HEAD + framing + b"\r\n\r\n") as caller,
    ):
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n" if b"chunked" in framing else bytes(65536)
        for _ in range(48):
            caller.sendall(chunk)
        caller.settimeout(20)
        answer = b""
        while b"content_too_large" not in answer:
            part = caller.recv(65536)
            assert part, answer
            answer += part
        assert answer.startswith(b"HTTP/1.1 413 ")
        caller.sendall(chunk)


def test_memory_is_not_for_each_connection_to_fill(live_server: LiveServer) -> None:
    """Together, bodies that are half here take no more than 32 of the largest would; then there is room again."""
    half = HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(900_000)
    with listening(live_server.gallery, max_upload_mb=1, body_seconds=60) as url:
        with ExitStack() as stack:
            answers = []
            for _ in range(40):
                caller = stack.enter_context(dial(url, half))
                caller.settimeout(0.01)
                try:
                    answers.append(caller.recv(12))
                except TimeoutError:
                    continue
            until(lambda: httpx.post(f"{url}/search", content=PNG).status_code == 503)
            assert httpx.get(f"{url}/livez").status_code == 200
            assert set(answers) <= {b"HTTP/1.1 503"}
        until(lambda: httpx.post(f"{url}/search", content=PNG).status_code == 200)


def test_who_asks_first_sends_nothing(live_server: LiveServer) -> None:
    """As curl does with large bodies: the refusal comes instead of `100 Continue`, and none of the body."""
    large = HEAD + b"Expect: 100-continue\r\nContent-Length: 50000000\r\n\r\n"
    # The connection ends with the answer: to wait for the rest of the body would take ten minutes.
    with listening(live_server.gallery, body_seconds=600) as url, dial(url, large) as caller:
        answer = heard(caller)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    fits = HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PNG)
    with dial(live_server.url, fits) as caller:
        assert caller.recv(25).startswith(b"HTTP/1.1 100 Continue")
        caller.sendall(PNG)
        assert b"HTTP/1.1 200 OK" in heard(caller)


def test_refusals_of_every_kind_reach_whoever_still_sends(live_server: LiveServer) -> None:
    body = bytes(12 * MUCH)
    with live_server.client() as client:
        problem(
            client.post("/search", content=body, headers={"host": "elsewhere"}), 421, "misdirected_request"
        )
        problem(client.post("/nothing", content=body), 404, "not_found")
        problem(client.put("/search", content=body), 405, "method_not_allowed")
        problem(
            client.post("/search", content=body, headers={"content-type": "a/b"}),
            415,
            "unsupported_media_type",
        )
        for _ in range(3):
            assert client.get("/livez").status_code == 200
    key = "0" * 64
    with listening(live_server.gallery, api_keys=key) as url:
        problem(httpx.post(f"{url}/search", content=body), 401, "no_key")


def test_rubbish_instead_of_http(live_server: LiveServer) -> None:
    for first in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000,
        b"\r\n" * 9,
    ):
        with dial(live_server.url, b"") as caller:
            try:
                caller.sendall(first + b"\r\n\r\n")
                caller.shutdown(socket.SHUT_WR)
                assert heard(caller)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
            except OSError:  # cut, which the system tells in several ways
                continue
    assert httpx.get(f"{live_server.url}/livez").status_code == 200


def test_connections_may_have_files(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.setrlimit", lambda _, limits: chosen.append(limits))
    for limits, connections, expected in (
        ((1024, 4096), 1000, (2256, 4096)),
        ((1024, 2000), 1000, (2000, 2000)),
        ((1024, -1), 1000, (2256, -1)),
        ((4096, 4096), 1000, None),
        ((1024, 4096), 50, None),
    ):
        chosen.clear()
        monkeypatch.setattr("resource.getrlimit", lambda _, limits=limits: limits)
        allow_files(connections)
        assert chosen == ([expected] if expected else [])
