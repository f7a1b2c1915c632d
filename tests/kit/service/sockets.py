"""Callers that are slow, silent or rude on purpose: bare sockets."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

HEAD = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


def dial(url: str, first: bytes = b"", seconds: float = 60) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    caller = socket.create_connection((host, int(port)), timeout=seconds)
    caller.sendall(first)
    return caller


@contextmanager
def dialled(url: str, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(dial(url, first)) for _ in range(count)]


def heard(caller: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    parts = []
    while part := caller.recv(65536):
        parts.append(part)
    return b"".join(parts)
