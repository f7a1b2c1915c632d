"""Search parameters: all that a search takes beside its pictures.

Each is declared once: the HTTP API, the OpenAPI document, the client, the command and the page all take it from
here. To add one, write a module and name it in PARAMETERS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from model.registry import Registry
from service.search.query import Query

T = TypeVar("T", bool, int, float, str)


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """What a parameter may be, and what it does to a query."""

    kind: type[T]
    description: str
    # The query with a value that was given; never called for one that was not.
    apply: Callable[[Query, T], Query]
    # What holds where none is given; None for parameters that are then without effect.
    default: T | None = None
    least: float | None = None
    most: float | None = None
    # Letters, at most.
    longest: int | None = None
    # Asked for at each check, since registries may name them.
    choices: Callable[[], Sequence[str]] | None = None
    # The value as the query holds it; raises ValueError with what it should be.
    clean: Callable[[T], T] | None = None
    # Types that the Python client takes as well, and writes as text.
    also: tuple[type, ...] = ()
    example: T | None = None
    # What stands for the value in the help of the command, such as TIME.
    metavar: str | None = None
    # What the page calls its control among the filters; None for none.
    label: str | None = None


# In the order in which they are applied, and shown everywhere.
PARAMETERS: Registry[Parameter[Any]] = Registry(
    "search parameter",
    {
        "text": "service.search.parameters.parts:TEXT",
        "like": "service.search.parameters.parts:LIKE",
        "sketch_weight": "service.search.parameters.weights:SKETCH",
        "photo_weight": "service.search.parameters.weights:PHOTO",
        "text_weight": "service.search.parameters.weights:TEXT",
        "like_weight": "service.search.parameters.weights:LIKE",
        "k": "service.search.parameters.paging:K",
        "offset": "service.search.parameters.paging:OFFSET",
        "min_score": "service.search.parameters.ranking:MIN_SCORE",
        "fold_duplicates": "service.search.parameters.ranking:FOLD_DUPLICATES",
        "folder": "service.search.parameters.filters:FOLDER",
        "after": "service.search.parameters.filters:AFTER",
        "before": "service.search.parameters.filters:BEFORE",
        "camera": "service.search.parameters.filters:CAMERA",
        "rerank": "service.search.parameters.ranking:RERANK",
    },
)
