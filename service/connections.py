"""Connections: how many at once, and for how long one may be silent before it says what it wants."""

import asyncio
import resource
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from service import errors
from service.settings import Settings

# A connection may bring a photo and a thumbnail; the index, the model and the job have some open, too.
_FILES_EACH, _FILES_BESIDES = 2, 256
_CROWDED_SECONDS = 1.0


def server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """The server as `sketchseek serve` runs it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], partial(Connection, most=settings.max_connections)),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.stop_seconds,
        )
    )


def allow_files(connections: int) -> None:
    """Raises the number of files that this process may have open to what so many connections may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_EACH * connections + _FILES_BESIDES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


class Connection(H11Protocol):
    """uvicorn closes connections that are silent after an answer, but waits without end for the rest of a request's
    head: a few hundred callers who send half a line would keep everybody else out."""

    def __init__(self, *given: Any, most: int, **named: Any) -> None:
        super().__init__(*given, **named)
        self._most = most
        self._silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        crowded = len(self.connections) > self._most
        if crowded:
            self.app = cast(Any, errors.answer(errors.crowded()))
        self._wait(_CROWDED_SECONDS if crowded else self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The time is not prolonged by a byte now and then.
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._silence is None:
            self._wait(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._silence = self.loop.call_later(seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
