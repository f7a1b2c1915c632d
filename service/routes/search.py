"""/search: a drawing, a photo, words or any mix of them in, the photos that show that out."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData, UploadFile

from indexer import Hit
from service.errors import ServiceError
from service.gallery import Answer
from service.query import PICTURES, Kind, Wishes, asked, merged
from service.routes import OpenGallery, problems
from service.schemas import Result, SearchResponse
from service.searching import Searcher, while_connected

router = APIRouter(tags=["search"])

# curl --data-binary says that it sends a form when it is told nothing else.
_RAW = ("image/", "application/octet-stream", "application/x-www-form-urlencoded")
_PICTURE = {"type": "string", "format": "binary"}
_FORM = Wishes.model_json_schema()
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {kind.value: _PICTURE for kind in PICTURES} | _FORM["properties"],
                }
            },
            "image/png": {"schema": _PICTURE},
            "image/jpeg": {"schema": _PICTURE},
            "image/webp": {"schema": _PICTURE},
        },
    }
}
_PROBLEMS: dict[str, str] = {
    "_404": "No photo has the id that `like` names.",
    "_422": "Nothing to search for, not a picture, an empty drawing, or a field that is unknown or out of range.",
    "_503": "Too many searches at once; `Retry-After` says when to ask again.",
    "_504": "The search took too long.",
}


@router.post(
    "/search",
    openapi_extra=_BODY,
    responses=problems(
        _408="The pictures took too long to arrive.",
        _413="The request is too large.",
        _415="The body is neither a form nor a picture.",
        **_PROBLEMS,
    ),
)
async def search(
    request: Request, gallery: OpenGallery, wishes: Annotated[Wishes, Query()]
) -> SearchResponse:
    """Finds photos by a drawing (`sketch`), a picture (`photo`), words (`text`), a known photo (`like`) or a mix.

    Send a form, or a drawing alone as the request's body. All but the pictures may stand in the address as well.
    Filters are applied before the search: there are `k` photos wherever so many pass.
    """
    try:
        async with asyncio.timeout(request.app.state.body_seconds):
            pictures, wishes = await _body(request, wishes)
    except TimeoutError:
        detail = "the picture took too long to arrive; send it again, or a smaller one"
        raise ServiceError(408, "body_timeout", detail, {"connection": "close"}) from None
    return await _found(request, gallery, pictures, wishes)


@router.get("/search", responses=problems(**_PROBLEMS))
async def search_without_pictures(
    request: Request, gallery: OpenGallery, wishes: Annotated[Wishes, Query()]
) -> SearchResponse:
    """Finds photos by words (`text`), a known photo (`like`), or both."""
    return await _found(request, gallery, {}, wishes)


async def _found(
    request: Request, gallery: OpenGallery, pictures: Mapping[Kind, bytes], wishes: Wishes
) -> SearchResponse:
    searcher: Searcher = request.app.state.searcher
    answer = await while_connected(request, searcher.search(asked(pictures, wishes)))
    return SearchResponse(
        results=[_result(hit, answer) for hit in answer.hits],
        offset=wishes.offset,
        total_searched=answer.searched,
        generation=answer.generation,
        model=gallery.encoder.card.name,
        took_ms=answer.took,
    )


async def _body(request: Request, wishes: Wishes) -> tuple[dict[Kind, bytes], Wishes]:
    kind = request.headers.get("content-type", "application/octet-stream").lower()
    if kind.startswith("multipart/form-data"):
        async with request.form(max_files=4, max_fields=32) as form:
            return await _pictures(form), merged(wishes, _fields(form))
    if not kind.startswith(_RAW):
        detail = "send the drawing as a picture (image/png), or in the field `sketch` of a multipart form"
        raise ServiceError(415, "unsupported_media_type", detail)
    parts = [part async for part in request.stream()]
    # In a thread: twenty megabytes take longer to copy than anybody else should have to wait.
    data = parts[0] if len(parts) == 1 else await anyio.to_thread.run_sync(b"".join, parts)
    if not data:
        raise ServiceError(422, "no_sketch", "the request holds no drawing: its picture has no bytes")
    return {Kind.SKETCH: data}, wishes


async def _pictures(form: FormData) -> dict[Kind, bytes]:
    """The files of a form. A browser sends a file that nobody chose as one without a name and without bytes."""
    found: dict[Kind, bytes] = {}
    for kind in PICTURES:
        given = [value for value in form.getlist(kind) if value != "" and not _unchosen(value)]
        if len(given) > 1:
            raise ServiceError(422, "invalid_request", f"{kind}: there is more than one; send one")
        for upload in given:
            if not isinstance(upload, UploadFile):
                raise ServiceError(422, f"no_{kind}", f"send a picture in the form's field `{kind}`")
            found[kind] = await upload.read()
            if not found[kind]:
                raise ServiceError(
                    422, f"no_{kind}", f"the picture in the form's field `{kind}` has no bytes"
                )
    return found


def _unchosen(value: UploadFile | str) -> bool:
    return isinstance(value, UploadFile) and not (value.filename or value.size)


def _fields(form: FormData) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if name in PICTURES:
            continue
        if isinstance(value, UploadFile):
            raise ServiceError(
                422, "invalid_request", f"{name}: is a file; pictures go into `sketch` or `photo`"
            )
        if name in found:
            raise ServiceError(422, "invalid_request", f"{name}: there is more than one; send one")
        found[name] = value
    return found


def _result(hit: Hit, answer: Answer) -> Result:
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
        taken=photo.taken,
        camera=photo.camera,
        duplicates=list(answer.duplicates.get(photo.id, ())),
    )
