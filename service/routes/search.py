"""/search: find photos by a drawing, a photo, words, or any mix of them."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile

from model.pictures.strokes import LONGEST
from service.asgi import forms
from service.asgi.connected import while_connected
from service.asgi.openapi import in_address, search_body
from service.problems import ServiceError
from service.routes import problems
from service.schemas import SearchResponse
from service.search.parameters.values import BadParameter, SearchParams, once, repeated
from service.search.query import PICTURES, Kind, Query
from service.search.searching import Searcher

router = APIRouter(tags=["search"])

_MISSING = {Kind.SKETCH: "no_sketch", Kind.PHOTO: "no_photo"}
_PROBLEMS = (
    "photo_not_found", "invalid_request", "empty_query", "no_text_tower", "encoding_failed", "internal_error",
    "busy", "no_memory", "device_problem", "index_damaged", "store_unavailable", "deadline",
)  # fmt: skip
_OF_PICTURES = (
    "bad_request", "body_timeout", "content_too_large", "unsupported_media_type", "no_sketch", "no_photo",
    "bad_image", "empty_drawing",
)  # fmt: skip


async def _in_address(request: Request) -> SearchParams:
    """Do what the framework would, in a tenth of the time, and refuse repeated names instead of using the last.

    Not a plain function: that would be called in another thread.
    """
    return SearchParams.read(once(request.query_params.multi_items()))


InAddress = Annotated[SearchParams, Depends(_in_address)]


@router.post(
    "/search",
    openapi_extra=search_body(),
    responses=problems(*_PROBLEMS, *_OF_PICTURES),
)
async def search(request: Request, params: InAddress) -> SearchResponse:
    """Find photos by a drawing (`sketch`, `strokes`), a picture (`photo`), words (`text`), a photo (`like`) or a mix.

    Send a form, or just a drawing as the request's body. Everything except pictures may also be in the URL.
    Filters apply before the search: you get `k` photos whenever that many match.
    """
    try:
        async with asyncio.timeout(request.app.state.body_seconds):
            pictures, params = await _body(request, params)
    except TimeoutError:
        raise forms.too_slow() from None
    return await _found(request, pictures, params)


@router.get("/search", openapi_extra=in_address(), responses=problems(*_PROBLEMS))
async def search_without_pictures(request: Request, params: InAddress) -> SearchResponse:
    """Find photos by words (`text`), the lines of a drawing (`strokes`), known photos (`like`), or all of them."""
    return await _found(request, {}, params)


async def _found(request: Request, pictures: Mapping[Kind, bytes], params: SearchParams) -> SearchResponse:
    searcher: Searcher = request.app.state.searcher
    return await while_connected(request, searcher.search(params.query(pictures)))


async def _body(request: Request, params: SearchParams) -> tuple[dict[Kind, bytes], SearchParams]:
    if forms.is_form(request):
        async with forms.form(request, longest=LONGEST) as form:
            return await _pictures(form), _merged(params, _fields(form))
    if data := await forms.raw_body(request, "a picture in `sketch`, or lines in `strokes`"):
        return {Kind.SKETCH: data}, params
    if not params.applied(Query(())).parts:
        raise ServiceError("no_sketch", "the request contains no drawing: its body is empty")
    return {}, params


async def _pictures(form: FormData) -> dict[Kind, bytes]:
    """Read the files of a form. If no file was chosen, browsers send one without a name and without bytes."""
    found: dict[Kind, bytes] = {}
    for kind in PICTURES:
        given = [value for value in form.getlist(kind) if value != "" and not _unchosen(value)]
        if len(given) > 1:
            raise repeated(kind)
        for upload in given:
            if not isinstance(upload, UploadFile):
                raise ServiceError(_MISSING[kind], f"send a picture in the form's field `{kind}`")
            found[kind] = await upload.read()
            if not found[kind]:
                raise ServiceError(_MISSING[kind], f"the picture in the form's field `{kind}` is empty")
    return found


def _unchosen(value: UploadFile | str) -> bool:
    return isinstance(value, UploadFile) and not (value.filename or value.size)


def _fields(form: FormData) -> dict[str, str]:
    fields = [(name, value) for name, value in form.multi_items() if name not in PICTURES]
    for name, value in fields:
        if isinstance(value, UploadFile):
            raise BadParameter(name, "is a file; pictures go into `sketch` or `photo`")
    return once((name, str(value)) for name, value in fields)


def _merged(address: SearchParams, form: Mapping[str, str]) -> SearchParams:
    """Merge parameters of the URL and of a form; one that is in both is refused."""
    said = address.model_dump(exclude_unset=True)
    for name in form:
        if name in said:
            raise BadParameter(name, "is in the address, too")
    return SearchParams.read({**said, **form})
