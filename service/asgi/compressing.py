"""Long JSON answers travel compressed: a page of a library's photos is a seventh of its size then."""

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.asgi.assets import accepts_gzip

_LEAST = 2048
# Nearly as small as at the highest level, in a fifth of the time; it is spent on the event loop.
_LEVEL = 1


class Compressing:
    """Compresses what is sent in one piece; pictures and downloads, which come in several, are no JSON anyway."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not accepts_gzip(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_json(message):
                start = message
                return
            if start is not None:
                message = _smaller(start, message)
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, compressed)


def _is_json(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").endswith("json") and "content-encoding" not in headers


def _smaller(start: Message, message: Message) -> Message:
    """The body, compressed if that is worth it; adapts the headers in `start`."""
    headers = MutableHeaders(raw=start["headers"])
    headers.add_vary_header("accept-encoding")
    body = message.get("body", b"")
    if message.get("more_body") or len(body) < _LEAST:
        return message
    body = gzip.compress(body, _LEVEL, mtime=0)
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(body))
    return {**message, "body": body}
