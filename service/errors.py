"""Errors as problem+json: a status, a stable code, one line that says what to do. Never a path or a trace."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from indexer.errors import BrokenGeneration
from model import BadImage, EmptyDrawing, NoTextTower
from model.errors import DeviceProblem, ModelError
from service.logging import LONGEST, method_of
from service.schemas import Problem

log = logging.getLogger("sketchseek")

# Letters of a name or a reason that an answer repeats.
_NAMED = 200

# What the framework itself refuses, in our words.
_HTTP = {
    400: ("bad_request", "the request is not well formed; /openapi.json shows what it should look like"),
    404: ("not_found", "there is nothing at this address; /openapi.json lists what there is"),
    405: ("method_not_allowed", "this address does not take that method; /openapi.json lists what it takes"),
    413: ("content_too_large", "the request is too large; send a smaller picture"),
    416: ("range_not_satisfiable", "the photo has no such bytes"),
}


class ServiceError(Exception):
    """An answer that is not a result."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


# Made anew each time: an exception that is raised keeps the frames that it passed.
def wrong_host() -> ServiceError:
    detail = "this service does not answer under that name; see SKETCHSEEK_ALLOWED_HOSTS"
    return ServiceError(421, "misdirected_request", detail)


def too_large() -> ServiceError:
    return ServiceError(413, *_HTTP[413], headers={"connection": "close"})


def overdone(what: str) -> ServiceError:
    return ServiceError(400, "bad_request", f"the request has {what}; send fewer", {"connection": "close"})


def client_gone() -> ServiceError:
    """Nobody reads it; the log and the figures do."""
    return ServiceError(499, "client_gone", "the caller hung up before the answer was there")


def busy(detail: str) -> ServiceError:
    return ServiceError(503, "busy", detail, {"retry-after": "1"})


def crowded() -> ServiceError:
    detail = "too many connections at once; ask again in a moment"
    return ServiceError(503, "busy", detail, {"retry-after": "1", "connection": "close"})


def stopping() -> ServiceError:
    detail = "the service is shutting down; ask again in a moment"
    return ServiceError(503, "busy", detail, {"retry-after": "1", "connection": "close"})


def too_late() -> ServiceError:
    return ServiceError(504, "deadline", "the search took too long; ask again when there is less to do")


def no_memory() -> ServiceError:
    return ServiceError(503, "no_memory", "there is not enough memory for this now", {"retry-after": "5"})


def index_damaged() -> ServiceError:
    detail = (
        "the index was damaged on disk; run sketchseek index again, or restore its files: they are looked at "
        "every few seconds"
    )
    return ServiceError(503, "index_damaged", detail, {"retry-after": "5"})


def unencodable() -> ServiceError:
    return ServiceError(500, "encoding_failed", "the model cannot encode this; the server's log says why")


def answer(error: ServiceError) -> JSONResponse:
    title = "Client Closed Request" if error.status == 499 else HTTPStatus(error.status).phrase
    problem = Problem(title=title, status=error.status, detail=error.detail, code=error.code)
    return JSONResponse(
        problem.model_dump(), error.status, error.headers, media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Teaches an app to answer every kind of error in the one shape."""

    @app.exception_handler(ServiceError)
    async def ours(_: Request, error: ServiceError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(BadImage)
    async def bad_image(_: Request, error: BadImage) -> JSONResponse:
        code = "empty_drawing" if isinstance(error, EmptyDrawing) else "bad_image"
        return answer(ServiceError(422, code, str(error)))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> JSONResponse:
        return answer(client_gone())

    @app.exception_handler(NoTextTower)
    async def no_words(_: Request, error: NoTextTower) -> JSONResponse:
        return answer(ServiceError(422, "no_text_tower", str(error)))

    @app.exception_handler(DeviceProblem)
    async def device(_: Request, error: DeviceProblem) -> JSONResponse:
        return answer(ServiceError(503, "device_problem", str(error), {"retry-after": "5"}))

    @app.exception_handler(ModelError)
    async def model(request: Request, error: ModelError) -> JSONResponse:
        log.error("%s %s: %s", request.method, request.url.path, error)
        return answer(unencodable())

    @app.exception_handler(BrokenGeneration)
    async def damaged(request: Request, error: BrokenGeneration) -> JSONResponse:
        request.app.state.gallery.doubt(error)
        return answer(index_damaged())

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "request"
        # Names are the caller's own, and may be as long as an address.
        return answer(ServiceError(422, "invalid_request", f"{where[:_NAMED]}: {first['msg'][:_NAMED]}"))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        status = error.status_code if error.status_code in _HTTP else 400
        return answer(ServiceError(status, *_HTTP[status], error.headers))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %.*s failed", method_of(request.scope), LONGEST, request.url.path, exc_info=error)
        return answer(
            ServiceError(500, "internal_error", "something went wrong here; the server's log says what")
        )
