"""Form parsing. It runs in the event loop, so it allows only UTF-8 and few fields, and yields between pieces."""

import asyncio
import io
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from service.problems import ServiceError

KIND = "multipart/form-data"
_FIELDS_ONLY = "application/x-www-form-urlencoded"
# By default, curl --data-binary declares its data a form.
_RAW = ("image/", "application/octet-stream", _FIELDS_ONLY)
# All formats of pictures have other than printable characters among their first bytes.
_START = 64
_FILES, _FIELDS = 4, 32
# Most bytes of a field: several times what any valid one holds.
_TEXT = 2**14
# Longest Content-Type; a boundary has at most 70 characters.
_LONGEST_KIND = 512
# In the worst case, a byte takes a microsecond.
_PIECE = 2**14
_PLAIN = {b"utf-8", b"utf8"}


class _Parser(MultiPartParser):
    """Records whether the form was complete; otherwise truncated fields would count as missing."""

    ended = False

    def on_end(self) -> None:
        self.ended = True


@asynccontextmanager
async def form(request: Request, *, longest: int = _TEXT) -> AsyncIterator[FormData]:
    """The fields, of at most `longest` bytes, and files of a form; closes its files at the end."""
    _check_type(request.headers["content-type"])
    async with aclosing(_pieces(request)) as pieces:
        parser = _Parser(request.headers, pieces, max_files=_FILES, max_fields=_FIELDS, max_part_size=longest)
        # Keep files in memory: a search reads them whole, and the guard limits their total size.
        parser.spool_max_size = sys.maxsize
        try:
            found = await parser.parse()
        except MultiPartException as error:
            raise ServiceError("bad_request", f"cannot read the form: {error.message}") from None
        if not parser.ended:
            await found.close()
            detail = "the form is truncated: its last boundary is missing; send it again"
            raise ServiceError("bad_request", detail)
    try:
        yield found
    finally:
        await found.close()


def is_form(request: Request) -> bool:
    return _kind(request).startswith(KIND)


async def raw_body(request: Request, fields: str) -> bytes:
    """The request's body, if it is declared a picture; otherwise says which `fields` of a form to send."""
    kind = _kind(request)
    if not kind.startswith(_RAW):
        raise _no_picture(fields)
    # Not as a list of parts: there may be one per byte.
    body = io.BytesIO()
    async for part in request.stream():
        body.write(part)
    data = body.getvalue()
    if kind.startswith(_FIELDS_ONLY) and data and _is_text(data[:_START]):
        raise _no_picture(fields)
    return data


def too_slow() -> ServiceError:
    detail = "the picture took too long to arrive; send it again, or send a smaller one"
    return ServiceError("body_timeout", detail, {"connection": "close"})


def _no_picture(fields: str) -> ServiceError:
    detail = f"send a form ({KIND}) with {fields}, or just the picture (image/png)"
    return ServiceError("unsupported_media_type", detail)


def _is_text(data: bytes) -> bool:
    return data.isascii() and data.decode("ascii").isprintable()


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "application/octet-stream").lower()


def _check_type(kind: str) -> None:
    """Check the Content-Type before parsing: some charsets (punycode) decode in quadratic time, others not at all,
    and Python caches every charset name it is asked for."""
    if len(kind) > _LONGEST_KIND:
        raise ServiceError("unsupported_media_type", "the request's Content-Type is too long")
    _, options = parse_options_header(kind)
    if options.get(b"charset", b"utf-8").lower() not in _PLAIN:
        detail = "forms must be UTF-8: leave the charset out of the Content-Type"
        raise ServiceError("unsupported_media_type", detail)


async def _pieces(request: Request) -> AsyncGenerator[bytes, None]:
    """The body in pieces; other tasks may run after each one."""
    async with aclosing(request.stream()) as parts:
        async for part in parts:
            yield part[:_PIECE]
            for start in range(_PIECE, len(part), _PIECE):
                await asyncio.sleep(0)
                yield part[start : start + _PIECE]
