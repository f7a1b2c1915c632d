"""POST /explain: why a photo fits a drawing, part by part."""

import asyncio
from typing import Annotated, Any, Literal, cast

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.datastructures import FormData, UploadFile

from model.errors import BadImage
from model.pictures.strokes import LONGEST, Stroke, read
from service.asgi import forms
from service.asgi.connected import while_connected
from service.explaining import pictures
from service.explaining.comparing import refuse_without_parts
from service.explaining.describing import described
from service.explaining.explainer import Explained, Explainer
from service.explaining.schemas import ExplanationInfo
from service.problems import ServiceError
from service.routes import OpenGallery, problems
from service.routes.photos import find_photo
from service.search.parameters.values import BadParameter, Checked, once, repeated

router = APIRouter(tags=["search"])

_SKETCH = "sketch"
_FILE: dict[str, Any] = {"type": "string", "format": "binary"}


class ExplainParams(Checked):
    """What POST /explain takes besides a picture, in its URL or as fields of its form."""

    photo_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="The `id` of a photo.", examples=["1f0c5b7a9e3d2468"]
    )
    strokes: Annotated[str, Field(max_length=LONGEST)] | None = Field(
        None, description="A drawing as JSON instead of a picture, as in a search."
    )
    picture: Literal["collage"] | None = Field(
        None, description="`collage`: send a PNG of the drawing, rebuilt from the photo, instead of JSON."
    )


def _body_document() -> dict[str, Any]:
    fields = ExplainParams.model_json_schema()["properties"]
    form = {
        "type": "object",
        "additionalProperties": False,
        "required": ["photo_id"],
        "properties": {_SKETCH: _FILE} | fields,
    }
    example = {_SKETCH: "(the bytes of fish.png)", "photo_id": "1f0c5b7a9e3d2468"}
    content = {forms.KIND: {"schema": form, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/explain",
    response_model=ExplanationInfo,
    openapi_extra=_body_document(),
    responses=problems(
        "photo_not_found", "photo_gone", "photo_changed", "photo_unreadable", "photo_unshowable", "bad_request",
        "body_timeout", "content_too_large", "unsupported_media_type", "invalid_request", "no_sketch",
        "bad_image", "empty_drawing", "no_local_parts", "encoding_failed", "busy", "no_memory", "device_problem",
        "index_damaged", "store_unavailable", "deadline",
    )
    | {200: {"content": {"image/png": {"schema": _FILE}}}},
)  # fmt: skip
async def explain(request: Request, gallery: OpenGallery) -> Any:
    """Explain which parts of a drawing (`sketch`, `strokes`) match which parts of a photo (`photo_id`).

    The photo is read and compared again, so the index needs to hold nothing for it.
    """
    refuse_without_parts(gallery.encoder)
    try:
        async with asyncio.timeout(request.app.state.body_seconds):
            sketch, params = await _asked(request)
    except TimeoutError:
        raise forms.too_slow() from None
    photo = await anyio.to_thread.run_sync(find_photo, gallery, params.photo_id or "")
    explainer = cast(Explainer, request.app.state.explainer)
    found = await while_connected(request, explainer.explain(sketch, photo))
    if params.picture is not None:
        return Response(await anyio.to_thread.run_sync(_collage, found), media_type="image/png")
    return described(found.explanation, photo.public_id, gallery.encoder.card.name)


async def _asked(request: Request) -> tuple[bytes | tuple[Stroke, ...], ExplainParams]:
    if not forms.is_form(request):
        raise ServiceError("unsupported_media_type", "send a multipart form with `sketch` and `photo_id`")
    async with forms.form(request, longest=LONGEST) as form:
        data = await _file(form)
        fields = [(name, value) for name, value in form.multi_items() if name != _SKETCH]
        for name, value in fields:
            if isinstance(value, UploadFile):
                raise BadParameter(name, f"is a file; the drawing goes into `{_SKETCH}`")
        said = [(name, str(value)) for name, value in fields if value != ""]
        params = ExplainParams.read(once([*request.query_params.multi_items(), *said]))
    if not params.photo_id:
        raise BadParameter("photo_id", "is missing; send the id of a search result")
    if data and params.strokes:
        raise BadParameter("strokes", "there is a sketch, too; give one of them, not both")
    if data:
        return data, params
    if not params.strokes:
        raise ServiceError("no_sketch", "send a drawing: only drawings can be explained, not words or photos")
    return _strokes(params.strokes), params


def _strokes(text: str) -> tuple[Stroke, ...]:
    try:
        return read(text)
    except BadImage as error:
        raise BadParameter("strokes", str(error)) from None


async def _file(form: FormData) -> bytes:
    given = [value for value in form.getlist(_SKETCH) if value != ""]
    if len(given) > 1:
        raise repeated(_SKETCH)
    if not given:
        return b""
    if not isinstance(given[0], UploadFile):
        raise ServiceError("no_sketch", f"send a picture in the form's field `{_SKETCH}`")
    return await given[0].read()


def _collage(found: Explained) -> bytes:
    return pictures.png(pictures.collage(found.explanation, found.photo))
