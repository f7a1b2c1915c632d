"""Connection limits: how many, how much to read at a time, and how long one may idle or stall."""

import asyncio
import contextlib
import resource
import socket
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from service import problems
from service.asgi import errors, linear
from service.asgi.stalling import Stall
from service.settings import Settings

# A connection may have a photo and a thumbnail open; the index, the model, and the job need some, too.
_FILES_EACH, _FILES_BESIDES = 2, 256
_CROWDED_SECONDS = 1.0
# Checked once a second, so a client that reads something every second never reaches this.
_STALLED_SECONDS = 2.0
# This many connections beyond the limit get a 503; any more are just closed.
_REFUSED = 64
# Each read is parsed in one go while all other clients wait: in the worst case, 8 KiB take 20 ms, and 256 KiB half a
# second. The rest of a body of known length is not parsed, so its reads may be large.
_READ, _READ_BODY = 2**13, 2**18
# Longest incomplete request head; whatever follows a head in the same read waits for the response.
_HEAD = 2**14


def server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """The server for `sketchseek serve`."""
    linear.install()
    made = partial(
        Connection,
        most=settings.max_connections,
        write_seconds=settings.write_seconds,
        # Shared by all connections: each read is copied out before the next one.
        buffer=memoryview(bytearray(_READ_BODY)),
    )
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], made),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=_HEAD,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.stop_seconds,
        )
    )


def allow_files(connections: int) -> None:
    """Raise the process's limit of open files to what this many connections may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_EACH * connections + _FILES_BESIDES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


class Connection(H11Protocol, asyncio.BufferedProtocol):
    """A connection with timeouts that uvicorn lacks: it closes connections that idle after a response, but waits
    forever for the rest of a request head, and for a client to read a response. A few hundred clients that send half
    a line, or read nothing, would lock everybody else out."""

    def __init__(
        self, *given: Any, most: int, write_seconds: float, buffer: memoryview, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._most = most
        self._write_seconds = write_seconds
        self._buffer = buffer
        self._silence: asyncio.TimerHandle | None = None
        self._coming = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        with contextlib.suppress(OSError):  # asyncio does so only for some kinds of listener
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Call pause_writing for every unsent byte: a finished response may stall as well as one in progress, and the
        # next one on the same connection does not start before it is sent.
        transport.set_write_buffer_limits(high=0)
        self._stall = Stall(self.loop, transport, self._write_seconds)
        crowded = len(self.connections) > self._most and not self._made_room()
        if crowded:
            self.app = cast(Any, errors.answer(problems.crowded()))
        self._wait(_CROWDED_SECONDS if crowded else self.timeout_keep_alive)
        if len(self.connections) > self._most + _REFUSED:
            self._cut()

    def get_buffer(self, _: int) -> memoryview:
        return self._buffer[: max(_READ, min(self._coming, _READ_BODY))]

    def buffer_updated(self, size: int) -> None:
        self.data_received(bytes(self._buffer[:size]))

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is before:
            self._coming -= len(data)
        else:
            announced = (int(value) for name, value in self.headers if name == b"content-length")
            self._coming = next(announced, 0) - len(self.cycle.body)
        # A byte now and then does not extend the timeout.
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._silence is None:
            self._wait(self.timeout_keep_alive)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.begin()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stall.end()
        super().connection_lost(exc)

    def _made_room(self) -> bool:
        """Disconnect the client that has read nothing for longest, if that is long enough."""
        others = (one for one in self.connections if isinstance(one, Connection) and one is not self)
        slowest = max(others, key=lambda one: one._stall.idle, default=None)
        if slowest is None or slowest._stall.idle < _STALLED_SECONDS:
            return False
        slowest._cut()
        return True

    def _cut(self) -> None:
        self.connections.discard(self)
        self._stall.cut()

    def _wait(self, seconds: float) -> None:
        self._silence = self.loop.call_later(seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
