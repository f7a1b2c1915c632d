"""Search parameters: everything that a search takes besides its pictures.

Each is declared once: the HTTP API, the OpenAPI document, the client, the command and the page all use the declaration
here. To add one, write a module and name it in PARAMETERS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from model.registry import Registry
from service.search.query import Query

T = TypeVar("T", bool, int, float, str)


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """The declaration of a parameter: its values, and its effect on a query."""

    kind: type[T]
    description: str
    # Applies a given value to the query; not called for parameters that were not given.
    apply: Callable[[Query, T], Query]
    # The default; None for parameters that have no effect unless given.
    default: T | None = None
    least: float | None = None
    most: float | None = None
    # The maximum length, in characters.
    longest: int | None = None
    # Called on each check, since registries may provide the choices.
    choices: Callable[[], Sequence[str]] | None = None
    # What the page calls the choices; those without an entry go by their names.
    labels: Mapping[str, str] = field(default_factory=dict)
    # Converts the value to what the query holds; raises ValueError that says what it should be.
    clean: Callable[[T], T] | None = None
    # Other types that the Python client accepts and converts to text.
    also: tuple[type, ...] = ()
    example: T | None = None
    # The value's name in the command's help, such as TIME.
    metavar: str | None = None
    # The label of its control among the page's filters; None for no control.
    label: str | None = None
    # Whether it leaves photos out: a search that finds none advises to relax it.
    narrows: bool = False


# Those that make sense without a search, too.
FILTERS = ("folder", "after", "before", "camera", "favourites")

# In the order in which they are applied and displayed.
PARAMETERS: Registry[Parameter[Any]] = Registry(
    "search parameter",
    {
        "strokes": "service.search.parameters.parts:STROKES",
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
        "favourites": "service.search.parameters.filters:FAVOURITES",
        "rank": "service.search.parameters.ranking:RANK",
    },
)
