"""Checks for every request: allowed host names, size limits, and security headers on each response."""

import asyncio
import contextlib
import re
from collections.abc import Set

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.asgi import errors
from service.settings import Settings, listed

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[^\s\[\]:/@?#\\]+)(?::[0-9]{1,5})?")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Enough for a photo that is too large by mistake; anything beyond is not a mistake.
_DRAINED = 64 * 2**20
_DRAIN_SECONDS = 5
# Memory for bodies, complete or not, in units of the largest allowed: not every connection may fill one.
_LARGEST_AT_ONCE = 32
# They are scanned more than once; browsers and proxies send thirty headers, and a search has fifteen parameters.
_MOST_HEADERS, _MOST_PARAMETERS = 100, 64


def allowed_hosts(settings: Settings) -> Set[str] | None:
    """The host names to answer to; None for any.

    Checking them prevents DNS rebinding: any page can point its own name at this machine and then read the
    responses.
    """
    given = {name.lower() for name in listed(settings.allowed_hosts)}
    if given:
        return given
    return LOOPBACK | {settings.host.lower()} if settings.loopback else None


class Guard:
    """Limits bodies by itself: Starlette's limit sits outside all handlers and responds in plain text."""

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

        refusal = _too_many(scope) or self._refusal(headers)
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


def _too_many(scope: Scope) -> problems.ServiceError | None:
    """Refuse more headers or parameters than any client needs: parsing them makes others wait."""
    if len(scope["headers"]) > _MOST_HEADERS:
        return problems.overdone(f"more than {_MOST_HEADERS} headers")
    if scope["query_string"].count(b"&") >= _MOST_PARAMETERS:
        return problems.overdone(f"more than {_MOST_PARAMETERS} parameters in its address")
    return None


class _Body:
    """An incoming request body. `whole`: no more of it will arrive."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self.received = 0
        has_none = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        # A client that sent Expect: 100-continue does not send the body after another response.
        self.whole = has_none or "100-continue" in headers.get("expect", "").lower()

    async def receive(self) -> Message:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read the rest after the response: closing a connection while its client still sends resets it, and the
        response would be lost."""
        taken = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while taken < _DRAINED and not self.whole:
                    message = await self._receive()
                    taken += len(message.get("body", b""))
                    self.whole = not message.get("more_body", False)


def bare(host: str) -> str:
    """Strip the port: localhost:8000 becomes localhost, [::1]:8000 becomes [::1], and what is no host nothing."""
    found = _HOST.fullmatch(host.lower())
    return found[1] if found else ""
