"""What every request passes through: the names that may call us, the size of bodies, headers on each answer."""

import asyncio
import contextlib
from collections.abc import Set

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.asgi import errors
from service.settings import Settings, listed

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Enough for whoever took too large a photo; more than that is no mistake.
_DRAINED = 64 * 2**20
_DRAIN_SECONDS = 5
# As many of the largest bodies may be here at once, wholly or in part; memory is not for each connection to fill.
_LARGEST_AT_ONCE = 32
# Each is looked through more than once; browsers and proxies send thirty, and a search has fifteen parameters.
_MOST_HEADERS, _MOST_PARAMETERS = 100, 64


def allowed_hosts(settings: Settings) -> Set[str] | None:
    """The names under which we answer; None for any.

    A page elsewhere can point its own name at this machine and then read what the browser gives it, unless we
    look at the name that was asked for.
    """
    given = {name.lower() for name in listed(settings.allowed_hosts)}
    if given:
        return given
    return LOOPBACK | {settings.host.lower()} if settings.loopback else None


class Guard:
    """Our own limit on bodies: Starlette's sits outside all handlers and answers in plain text."""

    def __init__(self, app: ASGIApp, largest: int, hosts: Set[str] | None) -> None:
        self._app = app
        self._largest = largest
        self._hosts = hosts
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = _Body(receive, headers)

        async def send_and_linger(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    added.setdefault(name, value)
            elif not message.get("more_body") and not body.whole:
                await send({**message, "more_body": True})
                await body.drain()
                message = {"type": "http.response.body"}
            await send(message)

        async def limited() -> Message:
            message = await body.receive()
            self._held += len(message.get("body", b""))
            if body.received > self._largest:
                raise problems.too_large()
            if self._held > _LARGEST_AT_ONCE * self._largest:
                raise problems.crowded()
            return message

        refusal = _overdone(scope) or self._refusal(headers)
        app = self._app if refusal is None else errors.answer(refusal)
        try:
            await app(scope, limited, send_and_linger)
        finally:
            self._held -= body.received

    def _refusal(self, headers: Headers) -> problems.ServiceError | None:
        if self._hosts is not None and bare(headers.get("host", "")) not in self._hosts:
            return problems.wrong_host()
        announced = headers.get("content-length", "")
        return problems.too_large() if announced.isdecimal() and int(announced) > self._largest else None


def _overdone(scope: Scope) -> problems.ServiceError | None:
    """More headers or parameters than anybody needs, which others would have to wait for."""
    if len(scope["headers"]) > _MOST_HEADERS:
        return problems.overdone(f"more than {_MOST_HEADERS} headers")
    if scope["query_string"].count(b"&") >= _MOST_PARAMETERS:
        return problems.overdone(f"more than {_MOST_PARAMETERS} parameters in its address")
    return None


class _Body:
    """A request's body on its way in. `whole`: nothing more of it will come."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self.received = 0
        has_none = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        # Who asks first whether to send it does not, once there is another answer.
        self.whole = has_none or "100-continue" in headers.get("expect", "").lower()

    async def receive(self) -> Message:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Takes in the rest once the answer is out: a connection that is closed while its client still sends
        is reset, and the answer lost with it."""
        taken = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while taken < _DRAINED and not self.whole:
                    message = await self._receive()
                    taken += len(message.get("body", b""))
                    self.whole = not message.get("more_body", False)


def bare(host: str) -> str:
    """Without the port: localhost of localhost:8000, [::1] of [::1]:8000."""
    name = host.lower()
    return name[: name.find("]") + 1] if name.startswith("[") else name.rsplit(":", 1)[0]
