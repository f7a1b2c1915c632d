"""Send a file over HTTP, with conditional and range requests, and never more than its announced length."""

import os
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from service.photos.files import Original
from service.problems import ServiceError

_CHUNK = 2**18
# A photo may claim to be any type by name or content; the sandbox keeps it from running scripts.
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def send_original(
    request: Request, original: Original, name: str, limiter: anyio.CapacityLimiter
) -> Response:
    """Respond with an open photo, and close it."""
    found = original.found
    etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
    modified = _date(found.st_mtime)
    headers = {
        "etag": etag,
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
        "content-security-policy": _SANDBOX,
        "content-disposition": f"{'inline' if original.inline else 'attachment'}; filename*=utf-8''{quote(name)}",
    }
    if modified is not None:
        headers["last-modified"] = modified
    try:
        if unchanged(request.headers, etag, None if modified is None else found.st_mtime):
            original.file.close()
            return Response(status_code=304, headers=headers)
        part = None
        if not asks_for_head(request) and request.headers.get("if-range", etag) in (etag, modified):
            part = byte_range(request.headers.get("range", ""), found.st_size)
    except BaseException:
        original.file.close()
        raise
    start, end = part or (0, found.st_size)
    if part is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{found.st_size}"
    headers["content-length"] = str(end - start)
    if asks_for_head(request):
        end = start
    return _Stream(original, start, end, limiter, 200 if part is None else 206, headers)


def _date(seconds: float) -> str | None:
    """Format a time for HTTP; None if HTTP cannot represent it, as some file systems store such times."""
    try:
        return formatdate(seconds, usegmt=True)
    except (ValueError, OverflowError, OSError):
        return None


def asks_for_head(request: Request) -> bool:
    """Whether the request was HEAD, which routes see as GET; `service.asgi.tracing` records it."""
    return bool(request.scope.get("head"))


def unchanged(headers: Headers, etag: str, modified: float | None = None) -> bool:
    """Whether the client has it already: by its ETag, else by its time, which is less reliable."""
    given = headers.get("if-none-match")
    if given is not None:
        return given.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in given.split(",")]
    since = headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return int(modified) <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and end (exclusive) of the requested range; None for the whole file.

    Malformed and multiple ranges are ignored, which HTTP allows; no client needs them for photos.
    """
    unit, _, ranges = header.partition("=")
    first, dash, last = (text.strip() for text in ranges.partition("-"))
    if (
        unit.strip().lower() != "bytes"
        or not dash
        or not all(_is_number(text) for text in (first, last) if text)
    ):
        return None
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        return None
    if start >= end:
        raise ServiceError(
            "range_not_satisfiable", "range is outside the photo", {"content-range": f"bytes */{size}"}
        )
    return start, end


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


class _Stream(StreamingResponse):
    """Stops when the client disconnects, and always closes the file."""

    def __init__(
        self,
        original: Original,
        start: int,
        end: int,
        limiter: anyio.CapacityLimiter,
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        self._file = original.file
        super().__init__(self._read(start, end, limiter), status, headers, original.media_type)

    async def _read(self, at: int, end: int, limiter: anyio.CapacityLimiter) -> AsyncIterator[bytes]:
        while at < end:
            data = await anyio.to_thread.run_sync(
                os.pread, self._file.fileno(), min(_CHUNK, end - at), at, limiter=limiter
            )
            if not data:
                # Too late for an error response: break the connection, so that the file does not look complete.
                raise ServiceError("photo_cut", "the photo was truncated while it was being sent")
            at += len(data)
            yield data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
