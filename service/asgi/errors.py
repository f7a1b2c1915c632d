"""Errors as problem+json: a status, a stable code, and one line that says what to do. Never a path or a traceback."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from indexer.errors import BrokenGeneration, StoreUnavailable, TooFar
from model import BadImage, EmptyDrawing, NoTextTower
from model.errors import DeviceProblem, ModelError
from service.codes import title
from service.ops.logging import LONGEST, method_of
from service.problems import (
    TOO_LARGE,
    ServiceError,
    client_gone,
    index_damaged,
    plainly,
    store_unavailable,
    unencodable,
)
from service.schemas import Problem

log = logging.getLogger("sketchseek")

# Most characters of a name or a reason to repeat in a response.
_NAMED = 200

# Messages for the framework's own errors.
_HTTP = {
    400: ("bad_request", "the request is malformed; see /openapi.json"),
    404: ("not_found", "nothing exists at this address; /openapi.json lists all addresses"),
    405: (
        "method_not_allowed",
        "this address does not support the method; /openapi.json lists those it does",
    ),
    413: ("content_too_large", TOO_LARGE),
    416: ("range_not_satisfiable", "range is outside the photo"),
}


def answer(error: ServiceError) -> JSONResponse:
    problem = Problem(title=title(error.status), status=error.status, detail=error.detail, code=error.code)
    return JSONResponse(
        problem.model_dump(), error.status, error.headers, media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Make an app respond to every kind of error in this one format."""

    @app.exception_handler(ServiceError)
    async def ours(_: Request, error: ServiceError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(BadImage)
    async def bad_image(_: Request, error: BadImage) -> JSONResponse:
        code = "empty_drawing" if isinstance(error, EmptyDrawing) else "bad_image"
        return answer(ServiceError(code, str(error)))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> JSONResponse:
        return answer(client_gone())

    @app.exception_handler(NoTextTower)
    async def no_words(_: Request, error: NoTextTower) -> JSONResponse:
        return answer(ServiceError("no_text_tower", str(error)))

    @app.exception_handler(DeviceProblem)
    async def device(_: Request, error: DeviceProblem) -> JSONResponse:
        return answer(ServiceError("device_problem", str(error), {"retry-after": "5"}))

    @app.exception_handler(ModelError)
    async def model(request: Request, error: ModelError) -> JSONResponse:
        log.error("%s %s: %s", request.method, request.url.path, error)
        return answer(unencodable())

    @app.exception_handler(BrokenGeneration)
    async def damaged(request: Request, error: BrokenGeneration) -> JSONResponse:
        request.app.state.gallery.doubt(error)
        return answer(index_damaged())

    @app.exception_handler(StoreUnavailable)
    async def away(_: Request, error: StoreUnavailable) -> JSONResponse:
        return answer(
            store_unavailable("the server that holds the library does not answer; try again in a moment")
        )

    @app.exception_handler(TooFar)
    async def too_far(_: Request, error: TooFar) -> JSONResponse:
        return answer(ServiceError("invalid_request", f"offset: {error}"))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "request"
        # Field names come from the client and may be as long as a URL.
        return answer(ServiceError("invalid_request", f"{where[:_NAMED]}: {plainly(first)[:_NAMED]}"))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        status = error.status_code if error.status_code in _HTTP else 400
        return answer(ServiceError(*_HTTP[status], error.headers))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %.*s failed", method_of(request.scope), LONGEST, request.url.path, exc_info=error)
        return answer(ServiceError("internal_error", "something went wrong; see the service's log"))
