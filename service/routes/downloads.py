"""/download: several photos as one zip file."""

import asyncio
import io
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from indexer import Photo
from service.asgi import forms
from service.photos.zipping import zipped
from service.problems import ServiceError, too_large
from service.routes import OpenGallery, problems
from service.search.gallery import Gallery
from service.search.parameters.values import BadParameter, once

router = APIRouter(tags=["photos"])

_MOST = 2000
_LONGEST = 2**17
_FORM = "application/x-www-form-urlencoded"
_FILE = {"schema": {"type": "string", "format": "binary"}}
_ZIP = {"description": "The zip file.", "content": {"application/zip": _FILE}}
_FIELDS = {
    "type": "object",
    "required": ["ids"],
    "properties": {"ids": {"type": "string", "description": f"Ids, separated by commas; at most {_MOST}."}},
}
_EXAMPLE = {"ids": "1f0c5b7a9e3d2468,77ab01c2d3e4f506"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": _FIELDS, "example": _EXAMPLE} for kind in (_FORM, forms.KIND)},
    }
}


@router.post(
    "/download",
    response_class=Response,
    openapi_extra=_BODY,
    responses=problems(
        "other_site", "photo_not_found", "invalid_request", "content_too_large", "unsupported_media_type",
        "body_timeout", "index_damaged", "store_unavailable",
    )
    | {200: _ZIP},
)  # fmt: skip
async def download(request: Request, gallery: OpenGallery) -> Response:
    """Photos as one zip file, as they are now. What cannot be read is named in MISSING.txt, in the file."""
    try:
        async with asyncio.timeout(request.app.state.body_seconds):
            ids = await _ids(request)
    except TimeoutError:
        detail = "the list of photos took too long to arrive; send it again"
        raise ServiceError("body_timeout", detail, {"connection": "close"}) from None
    photos, unknown = await anyio.to_thread.run_sync(_found, gallery, ids)
    if not photos:
        raise ServiceError(
            "photo_not_found", "no photo has any of these ids; use ids from a search or a list"
        )
    headers = {
        "content-disposition": f'attachment; filename="photos-{len(photos)}.zip"',
        "cache-control": "private, no-store",
    }
    pieces = _sent(zipped(photos, unknown), request.app.state.reading)
    return _Zip(pieces, headers)


class _Zip(StreamingResponse):
    """Closes the open photo when the client leaves."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
        self._pieces = pieces
        super().__init__(pieces, headers=headers, media_type="application/zip")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._pieces):
            await super().__call__(scope, receive, send)


async def _sent(
    pieces: Generator[bytes, None, object], limiter: anyio.CapacityLimiter
) -> AsyncGenerator[bytes, None]:
    """The pieces, each read in a thread."""
    try:
        while (piece := await anyio.to_thread.run_sync(next, pieces, None, limiter=limiter)) is not None:
            if piece:
                yield piece
    finally:
        pieces.close()


def _found(gallery: Gallery, ids: Sequence[str]) -> tuple[list[Photo], list[str]]:
    published = gallery.trusted.library
    known = {one: published.photo(one) for one in ids}
    return [photo for photo in known.values() if photo], [one for one, photo in known.items() if not photo]


async def _ids(request: Request) -> list[str]:
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith(forms.KIND):
        async with forms.form(request, longest=_LONGEST) as form:
            given = [(name, str(value)) for name, value in form.multi_items()]
    elif kind.startswith(_FORM):
        given = parse_qsl((await _body(request)).decode("utf-8", "replace"), max_num_fields=16)
    else:
        raise ServiceError("unsupported_media_type", "send a form with the field `ids`")
    text = once(given).get("ids", "")
    ids = list(dict.fromkeys(one for part in text.split(",") if (one := part.strip())))
    if not ids:
        raise BadParameter("ids", "is empty; send ids of photos, separated by commas")
    if len(ids) > _MOST:
        raise BadParameter("ids", f"has {len(ids)} ids; send at most {_MOST} at once")
    return ids


async def _body(request: Request) -> bytes:
    body = io.BytesIO()
    async for part in request.stream():
        if body.tell() + len(part) > _LONGEST:
            raise too_large()
        body.write(part)
    return body.getvalue()
