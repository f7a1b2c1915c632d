"""What the OpenAPI document needs beyond the routes' signatures: forms, pictures, and keys."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, cast

from fastapi import FastAPI

from service.schemas import Problem
from service.search.parameters.values import Checked, SearchParams
from service.search.query import PICTURES, Kind

# FastAPI itself would declare errors as application/json.
PROBLEM = "#/components/schemas/Problem"
_PICTURE: dict[str, Any] = {"type": "string", "format": "binary"}
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key that `sketchseek key` made."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
}
_OPEN = {"/livez", "/readyz"}


class Later(Mapping[str, Any]):
    """A part of the document that is made when somebody asks for it, which most starts never do."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> dict[str, Any]:
        return self._make()

    def __getitem__(self, name: str) -> Any:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def later(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What FastAPI takes as a dictionary, although it only reads it."""
    return cast(dict[str, Any], Later(make))


def search_parameters() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each search parameter, by name."""
    found: dict[str, dict[str, Any]] = SearchParams.model_json_schema()["properties"]
    return found


def in_address(model: type[Checked] = SearchParams) -> dict[str, Any]:
    """The parameters that a request takes in its URL: by default, those of a search."""
    return later(lambda: {"parameters": _in_query(model)})


def search_body() -> dict[str, Any]:
    """What POST /search takes: parameters in its URL, and a body."""
    return later(lambda: {"parameters": _in_query(SearchParams)} | _body())


def _in_query(model: type[Checked]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        | {key: schema[key] for key in ("description",) if key in schema}
        for name, schema in model.model_json_schema()["properties"].items()
    ]


def _body() -> dict[str, Any]:
    """The body of POST /search: a form, or just a drawing."""
    form = {
        "type": "object",
        "additionalProperties": False,
        "properties": {kind.value: _PICTURE for kind in PICTURES} | search_parameters(),
    }
    examples = {
        "a drawing": {"value": {Kind.SKETCH: "(the bytes of fish.png)", "k": 10}},
        "a drawing, without a background like that of a known photo": {
            "value": {
                Kind.SKETCH: "(the bytes of fish.png)",
                Kind.LIKE: "1f0c5b7a9e3d2468",
                "like_weight": -0.5,
                "folder": "2019",
                "fold_duplicates": True,
            }
        },
        "words and a photo": {"value": {Kind.TEXT: "at night", Kind.PHOTO: "(the bytes of car.jpg)"}},
    }
    content: dict[str, Any] = {"multipart/form-data": {"schema": form, "examples": examples}}
    for kind in ("image/png", "image/jpeg", "image/webp"):
        content[kind] = {"schema": _PICTURE, "example": "(the bytes of a drawing)"}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI) -> None:
    """Add the schema of errors, and the API keys, which are optional: the service may not require any."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document["components"]["securitySchemes"] = _KEYS
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [{}] if path in _OPEN else [{}, {"bearer": []}, {"header": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
