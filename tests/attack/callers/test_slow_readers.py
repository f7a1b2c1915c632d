"""Callers who take nothing of their answers, or next to nothing, hold no place for long; who is slow and steady may."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from tests.kit.service.asking import PNG
from tests.kit.service.servers import LiveServer, listening
from tests.kit.waiting import until

SMALL = 4096
PAGE = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
FULL = 20


def narrow(url: str) -> socket.socket:
    """A caller whose machine keeps next to nothing of what it is sent."""
    host, port = url.removeprefix("http://").split(":")
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    caller.settimeout(20)
    caller.connect((host, int(port)))
    return caller


@contextmanager
def silent_readers(url: str, count: int = FULL) -> Iterator[list[socket.socket]]:
    """Each asks for far more than the kernel keeps for it, and reads none of it."""
    with ExitStack() as stack:
        callers = [stack.enter_context(narrow(url)) for _ in range(count)]
        for caller in callers:
            caller.sendall(PAGE * 120)
        yield callers


def is_cut(caller: socket.socket) -> bool:
    """Whether the connection was reset, without taking anything of what it brought."""
    watcher = select.poll()
    watcher.register(caller, 0)
    return bool(watcher.poll(0))


def served(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").status_code == 200
    except httpx.TransportError:
        return False


def test_all_places_held_by_callers_who_never_read(live_server: LiveServer) -> None:
    """They go as soon as somebody else wants a place, however much time each would have."""
    with listening(live_server.gallery, max_connections=FULL, write_seconds=3600) as url, silent_readers(url):
        until(lambda: served(url), 20)
        for _ in range(5):
            assert served(url)


def test_callers_who_never_read_are_cut_off_also_when_nobody_waits(live_server: LiveServer) -> None:
    with listening(live_server.gallery, write_seconds=1) as url, silent_readers(url, 6) as callers:
        until(lambda: all(is_cut(caller) for caller in callers), 30)
        assert served(url)


def test_a_byte_now_and_then_buys_no_time(live_server: LiveServer) -> None:
    with listening(live_server.gallery, write_seconds=1) as url, silent_readers(url, 1) as callers:

        def sips() -> bool:
            if is_cut(callers[0]):
                return True
            callers[0].recv(1)
            return False

        until(sips, 30)


def test_a_slow_and_steady_reader_gets_the_whole_photo(own_server: LiveServer) -> None:
    """For several times as long as one may take nothing."""
    found = httpx.get(f"{own_server.url}/search?like={_any_id(own_server)}&k=1").json()["results"][0]
    whole = bytes(range(256)) * 4096 * 6
    (own_server.photos / found["path"]).write_bytes(whole)
    ask = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % found["url"].encode()
    with listening(own_server.gallery, write_seconds=1) as url, narrow(url) as caller:
        caller.sendall(ask)
        answer = bytearray()
        # Slower than the answer could come, by far, for four times the limit; then as fast as may be.
        for _ in range(80):
            answer += caller.recv(SMALL)
            time.sleep(0.05)
        while part := caller.recv(65536):
            answer += part
    assert answer.partition(b"\r\n\r\n")[2] == whole


def _any_id(server: LiveServer) -> str:
    return str(httpx.post(f"{server.url}/search?k=1", content=PNG).json()["results"][0]["id"])
