"""Single hostile requests to a real server, and how late /livez answers during each: what one caller costs all others.

The limit is set by the event loop's longest piece of work; a busy machine adds to it, so the load is printed.
"""

import http.client
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.serving import Server, publish_random, running
from model import Encoder
from service.asgi import keys

PHOTOS = 10_000
# Anything longer has frozen the service; stop waiting for it.
_PATIENCE = 60.0
_PAUSE, _QUIET_SECONDS = 0.01, 3.0
LIMIT_MS = 100


@dataclass(frozen=True)
class Kind:
    """What is sent, each part on its own connection, one after the other."""

    name: str
    parts: Callable[[], Iterator[bytes]]


def hostile(index: Path, png: bytes) -> None:
    publish_random(index, Encoder.load("lite", engine="openvino"), PHOTOS)
    key, entry = keys.make(admin=False)
    worst = 0.0
    command = [sys.executable, "-m", "service.cli", "serve", "--index", str(index), "--port"]
    # With keys, so that cookies are read.
    with running(command, {"SKETCHSEEK_API_KEYS": entry}) as server:
        quiet = _latency_during(server, lambda: time.sleep(_QUIET_SECONDS))
        print(f"{'nothing':28} worst /livez {quiet:7.1f} ms, {_resident(server):.0f} MiB, {_load()}")
        for kind in _kinds(key.encode(), png):
            before, answers = _resident(server), []
            start = time.perf_counter()
            late = _latency_during(server, lambda kind=kind, answers=answers: _send(server, kind, answers))  # type: ignore[misc]
            took, after, worst = time.perf_counter() - start, _resident(server), max(worst, late)
            said = f"{before:.0f} to {after:.0f} MiB, {_load()}"
            print(
                f"{kind.name:28} worst /livez {late:7.1f} ms, {took:5.1f} s, answered {_counted(answers)}, {said}"
            )
    print(f"worst of all {worst:.1f} ms   limit: {LIMIT_MS} ms")


def _kinds(key: bytes, png: bytes) -> list[Kind]:
    host = b"Host: localhost\r\nConnection: close\r\nX-API-Key: " + key + b"\r\n"

    def get(more: bytes = b"", address: bytes = b"/info", method: bytes = b"GET") -> bytes:
        return method + b" " + address + b" HTTP/1.1\r\n" + host + more + b"\r\n"

    def post(kind: bytes, body: bytes) -> bytes:
        said = b"Content-Type: %s\r\nContent-Length: %d\r\n" % (kind, len(body))
        return get(said, b"/search", b"POST") + body

    def form(head: bytes, value: bytes, kind: bytes = b"") -> bytes:
        part = b"--X\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + value + b"\r\n--X--\r\n"
        return post(b"multipart/form-data; boundary=X" + kind, part)

    def chunks() -> bytes:
        said = b"Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n"
        return get(said, b"/search", b"POST") + b"1\r\nX\r\n" * 200_000 + b"0\r\n\r\n"

    file, anonymous = b'name="sketch"; filename="s"', b"GET /info HTTP/1.1\r\nHost: localhost\r\n"
    punycode = b"x" * 150_000 + b"-" + b"a" * 60_000
    kinds = {
        "form in punycode": lambda: iter([form(b'name="text-"', punycode, b"; charset=punycode")]),
        "form of near boundaries": lambda: iter([form(file, b"\r\n--X-q" * 2**20)]),
        "boundary with blanks": lambda: iter([form(file, b"a\r\n--X" + b" " * 2**22)]),
        "chunks of one byte": lambda: iter([chunks()]),
        "blanks before an odd byte": lambda: iter([get(b"a:" + b" " * 60_000 + b"\x00\r\n")]),
        "blanks that fit into a head": lambda: iter([get(b"a:" + b" " * 15_000 + b"\x00\r\n")]),
        "blanks in a trailer": lambda: iter([chunks()[:-2] + b"a:" + b" " * 15_000 + b"\x00\r\n\r\n"]),
        "60 kB of headers": lambda: iter([get(b"a:\r\n" * 15_000)]),
        "60 kB of parameters": lambda: iter([get(address=b"/index?" + b"a&" * 30_000)]),
        "a cookie of backslashes": lambda: iter(
            [anonymous + b'Cookie: a="' + b'\\"' * 30_000 + b'"\r\n\r\n']
        ),
        "a cookie that fits": lambda: iter([anonymous + b'Cookie: a="' + b'\\"' * 7_500 + b'"\r\n\r\n']),
        "2,000 methods of 50 kB": lambda: (get(method=b"M" * 50_000 + b"%d" % n) for n in range(2000)),
        "2,000 methods of 8 kB": lambda: (get(method=b"M" * 8_000 + b"%d" % n) for n in range(2000)),
        "20 MB of zeros": lambda: iter([post(b"image/png", bytes(20 * 2**20 - 1))]),
        "a drawing and 19 MB": lambda: iter([form(file, png + bytes(19 * 2**20))]),
    }
    return [Kind(name, parts) for name, parts in kinds.items()]


def _send(server: Server, kind: Kind, answers: list[str]) -> None:
    end = time.monotonic() + _PATIENCE
    for part in kind.parts():
        if time.monotonic() > end:
            answers.append("given up")
            return
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=_PATIENCE) as caller:
                sending = threading.Thread(target=_pour, args=(caller, part), daemon=True)
                sending.start()
                answers.append(caller.recv(12)[9:].decode() or "cut")
        except TimeoutError:
            answers.append("none")
        except OSError:
            answers.append("cut")


def _pour(caller: socket.socket, data: bytes) -> None:
    try:
        caller.sendall(data)
    except OSError:
        return  # refused while still being sent


def _latency_during(server: Server, work: Callable[[], object]) -> float:
    """The longest that /livez took to answer during the work, in milliseconds."""
    done, taken = threading.Event(), [0.0]

    def poll() -> None:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=4 * _PATIENCE)
        while not done.is_set():
            start = time.perf_counter()
            try:
                client.request("GET", "/livez")
                client.getresponse().read()
            except (OSError, http.client.HTTPException):
                client.close()
            taken.append(1000 * (time.perf_counter() - start))
            time.sleep(_PAUSE)
        client.close()

    poller = threading.Thread(target=poll)
    poller.start()
    time.sleep(10 * _PAUSE)
    try:
        work()
    finally:
        done.set()
        poller.join()
    return max(taken)


def _resident(server: Server) -> float:
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _counted(answers: list[str]) -> str:
    return ", ".join(f"{answers.count(one)} x {one}" for one in sorted(set(answers)))


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"
