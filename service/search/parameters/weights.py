"""The weights of a query's parts. Only their ratio matters."""

from dataclasses import replace

from service.search.parameters import Parameter
from service.search.query import Kind, Query


def _weight(kind: Kind, of: str) -> Parameter[float]:
    def apply(query: Query, weight: float) -> Query:
        parts = (replace(part, weight=weight) if part.kind == kind else part for part in query.parts)
        return replace(query, parts=tuple(parts))

    description = f"Weight of {of}; negative leads away from it."
    return Parameter(float, description, default=1, least=-2, most=2, apply=apply)


SKETCH = _weight(Kind.SKETCH, "the drawing")
PHOTO = _weight(Kind.PHOTO, "the photo")
TEXT = _weight(Kind.TEXT, "the words")
LIKE = _weight(Kind.LIKE, "the photos in the index")
