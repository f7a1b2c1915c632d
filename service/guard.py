"""What every request passes through: the names that may call us, the size of bodies, headers on each answer."""

import asyncio
import contextlib
from collections.abc import Set

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import errors
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._largest:
                if message.get("more_body"):
                    await drain(receive)
                raise errors.too_large()
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        if refusal is not None:
            await drain(receive)
            await errors.answer(refusal)(scope, receive, send_with_headers)
            return
        await self._app(scope, limited, send_with_headers)

    def _refusal(self, headers: Headers) -> errors.ServiceError | None:
        if self._hosts is not None and bare(headers.get("host", "")) not in self._hosts:
            return errors.wrong_host()
        announced = headers.get("content-length", "")
        return errors.too_large() if announced.isdecimal() and int(announced) > self._largest else None


def bare(host: str) -> str:
    """Without the port: localhost of localhost:8000, [::1] of [::1]:8000."""
    name = host.lower()
    return name[: name.find("]") + 1] if name.startswith("[") else name.rsplit(":", 1)[0]


async def drain(receive: Receive) -> None:
    """Takes in the rest of a body that is refused: clients that are still sending would not read our answer."""
    taken = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while taken < _DRAINED:
                message = await receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
