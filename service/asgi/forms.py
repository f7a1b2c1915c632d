"""Forms, which are parsed in the event loop while everybody waits: plain ones alone, few fields, and piece by piece."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from service.problems import ServiceError

KIND = "multipart/form-data"
_FILES, _FIELDS = 4, 32
# Letters of one field: some times what any may hold.
_TEXT = 2**14
# Of a Content-Type; a boundary has 70 letters.
_LONGEST_KIND = 512
# The oddest bytes take a microsecond each.
_PIECE = 2**14
_PLAIN = {b"utf-8", b"utf8"}


class _Parser(MultiPartParser):
    """Knows whether the form came to its end; without that, what is cut off would count as not given."""

    ended = False

    def on_end(self) -> None:
        self.ended = True


@asynccontextmanager
async def form(request: Request) -> AsyncIterator[FormData]:
    """The fields and files of a form; its files are closed at the end."""
    _look_at(request.headers["content-type"])
    async with aclosing(_pieces(request)) as pieces:
        parser = _Parser(request.headers, pieces, max_files=_FILES, max_fields=_FIELDS, max_part_size=_TEXT)
        # Not on the disk: a search reads the whole file at once, and the guard bounds all that is here together.
        parser.spool_max_size = sys.maxsize
        try:
            found = await parser.parse()
        except MultiPartException as error:
            raise ServiceError("bad_request", f"this form cannot be read: {error.message}") from None
        if not parser.ended:
            await found.close()
            detail = "this form breaks off: its last boundary is missing; send it again"
            raise ServiceError("bad_request", detail)
    try:
        yield found
    finally:
        await found.close()


def _look_at(kind: str) -> None:
    """Before anything is parsed: some charsets (punycode) are decoded in quadratic time, others not at all, and
    Python remembers every name of one that it was asked for."""
    if len(kind) > _LONGEST_KIND:
        raise ServiceError("unsupported_media_type", "the request's Content-Type is too long")
    _, said = parse_options_header(kind)
    if said.get(b"charset", b"utf-8").lower() not in _PLAIN:
        detail = "a form has to be in UTF-8: leave the charset out of its Content-Type"
        raise ServiceError("unsupported_media_type", detail)


async def _pieces(request: Request) -> AsyncGenerator[bytes, None]:
    """The body, of which others may have their turn after each piece."""
    async with aclosing(request.stream()) as parts:
        async for part in parts:
            yield part[:_PIECE]
            for start in range(_PIECE, len(part), _PIECE):
                await asyncio.sleep(0)
                yield part[start : start + _PIECE]
