"""The HTTP routes, one module for each thing that one can ask."""

from typing import Annotated, Any, cast

from fastapi import Depends, Request

from service.gallery import Gallery
from service.schemas import Problem


def _gallery(request: Request) -> Gallery:
    return cast(Gallery, request.app.state.gallery)


OpenGallery = Annotated[Gallery, Depends(_gallery)]


def problems(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides 200, for the OpenAPI document: problems(_404="no such photo")."""
    return {
        int(status.strip("_")): {
            "model": Problem,
            "description": text,
            "content": {"application/problem+json": {}},
        }
        for status, text in statuses.items()
    }
