"""/pictures: what people searched with, kept for links to their searches and shown whatever its format."""

import asyncio
from typing import Annotated, Any, cast

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from starlette.datastructures import UploadFile

from service.asgi import forms
from service.asgi.connected import while_connected
from service.photos.sending import unchanged
from service.photos.shared import Shared
from service.problems import ServiceError
from service.routes import problems
from service.schemas import SharedPicture

router = APIRouter(tags=["pictures"])

_FIELD = "picture"
_PICTURE: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "required": [_FIELD], "properties": {_FIELD: _PICTURE}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM, "example": {_FIELD: "(the bytes of car.heic)"}},
            "image/*": {"schema": _PICTURE, "example": "(the bytes of a picture)"},
        },
    }
}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/webp": {"schema": _PICTURE}}},
    304: {"description": "The client has it already."},
}


@router.post(
    "/pictures",
    openapi_extra=_BODY,
    responses=problems(
        "bad_request", "body_timeout", "content_too_large", "unsupported_media_type", "other_site",
        "invalid_request", "no_photo", "bad_image", "no_memory", "no_room", "index_unwritable",
    ),
)  # fmt: skip
async def keep(request: Request) -> SharedPicture:
    """Keep a picture, in any format that can be indexed, as a WebP within 1024 x 1024; the same one gets the same id.

    Send it as the request's body, or in the field `picture` of a form. It can be opened until nobody did for
    `SKETCHSEEK_SHARED_DAYS`, or until newer ones need its room.
    """
    try:
        async with asyncio.timeout(request.app.state.body_seconds):
            data = await _body(request)
    except TimeoutError:
        raise forms.too_slow() from None
    name = await while_connected(request, _shared(request).keep(data))
    return SharedPicture(id=name, url=f"/pictures/{name}")


@router.get(
    "/pictures/{picture_id}",
    response_class=Response,
    responses=problems("picture_not_found", "invalid_request") | _SHOWN,
)
async def show(
    request: Request,
    picture_id: Annotated[str, InPath(description="An `id` from POST /pictures.", max_length=64)],
) -> Response:
    """A picture that was kept, as a WebP."""
    data = await anyio.to_thread.run_sync(_shared(request).get, picture_id)
    if data is None:
        raise ServiceError("picture_not_found", "this picture is not kept any more; ask for a new link")
    headers = {"etag": f'"{picture_id}"', "cache-control": "private, max-age=86400"}
    if unchanged(request.headers, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type="image/webp")


def _shared(request: Request) -> Shared:
    return cast(Shared, request.app.state.shared)


async def _body(request: Request) -> bytes:
    if not forms.is_form(request):
        data = await forms.raw_body(request, f"a picture in `{_FIELD}`")
    else:
        async with forms.form(request) as form:
            given = form.getlist(_FIELD)
            if len(form.multi_items()) != 1 or len(given) != 1:
                raise ServiceError("invalid_request", f"send one picture, in the form's field `{_FIELD}`")
            # A field without a file name is text.
            data = await given[0].read() if isinstance(given[0], UploadFile) else b""
    if not data:
        raise ServiceError("no_photo", "the request contains no picture: choose a file")
    return data
