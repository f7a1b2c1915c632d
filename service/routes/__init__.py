"""The HTTP routes, one module per topic."""

from typing import Annotated, Any, cast

from fastapi import Depends, Request

from service.asgi.openapi import PROBLEM
from service.codes import CODES, title
from service.schemas import Problem
from service.search.gallery import Gallery


# async, because FastAPI runs sync dependencies in a thread.
async def _gallery(request: Request) -> Gallery:
    return cast(Gallery, request.app.state.gallery)


OpenGallery = Annotated[Gallery, Depends(_gallery)]


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for the OpenAPI document: problems("photo_gone", "busy")."""
    statuses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, meaning = CODES[code].status, CODES[code].meaning
        problem = Problem(title=title(status), status=status, detail=meaning, code=code)
        content: dict[str, Any] = {"schema": {"$ref": PROBLEM}, "examples": {}}
        known = statuses.setdefault(
            status, {"description": "", "content": {"application/problem+json": content}}
        )
        known["description"] = f"{known['description']} {meaning}".strip()
        known["content"]["application/problem+json"]["examples"][code] = {"value": problem.model_dump()}
    return statuses


# Errors that every route may return.
ANYWHERE = problems("bad_request", "no_key", "misdirected_request", "internal_error", "busy")
