"""POST /search: a drawing in, the photos that show that thing out."""

import asyncio
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile

from indexer import Hit
from service.errors import ServiceError
from service.routes import OpenGallery, problems
from service.schemas import Result, SearchResponse
from service.searching import Searcher, while_connected

router = APIRouter(tags=["search"])

# curl --data-binary says that it sends a form when it is told nothing else.
_RAW = ("image/", "application/octet-stream", "application/x-www-form-urlencoded")
_PICTURE = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"sketch": _PICTURE}, "required": ["sketch"]}
            },
            "image/png": {"schema": _PICTURE},
            "image/jpeg": {"schema": _PICTURE},
            "image/webp": {"schema": _PICTURE},
        },
    }
}


@router.post(
    "/search",
    openapi_extra=_BODY,
    responses=problems(
        _408="The picture took too long to arrive.",
        _413="The request is too large.",
        _415="The body is neither a form nor a picture.",
        _422="Not a picture, an empty drawing, or a parameter out of range.",
        _503="Too many searches at once; `Retry-After` says when to ask again.",
        _504="The search took too long.",
    ),
)
async def search(
    request: Request,
    gallery: OpenGallery,
    k: Annotated[int, Query(ge=1, le=200, description="How many photos.")] = 20,
) -> SearchResponse:
    """Finds the photos that show what a drawing shows.

    Send the drawing as the field `sketch` of a form, or as the request's body.
    """
    try:
        async with asyncio.timeout(request.app.state.body_seconds):
            data = await _drawing(request)
    except TimeoutError:
        detail = "the picture took too long to arrive; send it again, or a smaller one"
        raise ServiceError(408, "body_timeout", detail, {"connection": "close"}) from None
    searcher: Searcher = request.app.state.searcher
    answer = await while_connected(request, searcher.sketch(data, k))
    return SearchResponse(
        results=[_result(hit) for hit in answer.hits],
        total_searched=answer.searched,
        generation=answer.generation,
        model=gallery.encoder.card.name,
        took_ms=answer.took,
    )


async def _drawing(request: Request) -> bytes:
    kind = request.headers.get("content-type", "application/octet-stream").lower()
    if kind.startswith("multipart/form-data"):
        async with request.form(max_files=4, max_fields=16) as form:
            upload = form.get("sketch")
            if not isinstance(upload, UploadFile):
                raise ServiceError(422, "no_sketch", "send a picture in the form's field `sketch`")
            data = await upload.read()
    elif kind.startswith(_RAW):
        parts = [part async for part in request.stream()]
        # In a thread: twenty megabytes take longer to copy than anybody else should have to wait.
        data = parts[0] if len(parts) == 1 else await anyio.to_thread.run_sync(b"".join, parts)
    else:
        detail = "send the drawing as a picture (image/png), or in the field `sketch` of a multipart form"
        raise ServiceError(415, "unsupported_media_type", detail)
    if not data:
        raise ServiceError(422, "no_sketch", "the request holds no drawing: its picture has no bytes")
    return data


def _result(hit: Hit) -> Result:
    photo = hit.photo
    url = f"/photos/{photo.public_id}"
    return Result(
        id=photo.public_id,
        score=round(hit.score, 4),
        path=photo.relative,
        url=url,
        # The content in the address lets browsers keep a thumbnail for good.
        thumbnail_url=f"{url}/thumbnail?v={photo.content[:8]}",
        width=photo.width,
        height=photo.height,
    )
