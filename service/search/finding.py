"""From the parts of a query to photos: what the service and the command line have in common."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer import Library, Photo
from indexer.marks import Marked
from model import SKETCH_CAPS, BadImage, Caps, Encoder, decode
from model.encoder import Encoded
from model.local.local import Local
from model.local.parts import Parts
from model.modality import Modality, Pixels, Vectors, unit
from model.pictures.painting import painted
from model.rerankers import Question
from service.listings import PhotoInfo
from service.problems import ServiceError
from service.schemas import Result
from service.search.encodings import Encoding, split, vector_of
from service.search.query import PICTURES, Kind, Part, Query
from service.search.reranking import Answer, Ranked, Rerankers, find

# A mix shorter than this share of its weights has no meaningful direction.
_NOTHING = 1e-3
NOTHING_MARKED = Marked()


def prepared(part: Part, encoder: Encoder, published: Library, caps: Caps) -> Pixels | Vectors | str:
    """Prepare a part: pixels for a picture, words as they are, the indexed vector for a known photo."""
    value = part.value
    if isinstance(value, tuple):
        return encoder.prepare_sketch(painted(value))
    if part.kind == Kind.PHOTO and not isinstance(value, str):
        return encoder.prepare_photo(decode(value, caps=caps, shortest=encoder.shortest).image)
    if part.kind == Kind.SKETCH and not isinstance(value, str):
        return encoder.prepare_sketch(decode(value, caps=caps, keep_alpha=True).image)
    return str(value) if part.kind == Kind.TEXT else _known(published, str(value))


@dataclass(frozen=True)
class _InParts:
    """Encodes drawings whole and in parts; equal for one encoder, so that all drawings share batches."""

    encoder: Encoder

    def __call__(self, prepared: Sequence[Pixels]) -> Encoded:
        return self.encoder.encode(prepared, Modality.SKETCH)


Encoders = dict[Kind, Callable[[Sequence[Any]], Vectors | Encoded]]


def encoders(encoder: Encoder) -> Encoders:
    """The functions that encode prepared parts, by kind; those of LIKE are vectors already."""
    return {
        Kind.SKETCH: encoder.encode_sketches if encoder.local is None else _InParts(encoder),
        Kind.PHOTO: encoder.encode_photos,
        Kind.TEXT: encoder.texts,
    }


def question(
    ready: Sequence[tuple[Part, Any]], results: Sequence[Encoding], local: Local | None = None
) -> Question:
    """Mix the parts' unit vectors by their weights into one; refused if they cancel each other out.

    With a `local` head, the question also has the local parts of its drawing.
    """
    vectors = [vector_of(result) for result in results]
    weights = [part.weight for part, _ in ready]
    total: Vectors = np.sum(
        [weight * vector for weight, vector in zip(weights, vectors, strict=True)], axis=0
    )
    length = float(np.linalg.norm(total))
    if length < _NOTHING * sum(map(abs, weights)):
        detail = "the parts of this query cancel each other out: change their weights"
        raise ServiceError("empty_query", detail)
    kinds: dict[Modality, float] = {}
    for part, _ in ready:
        kind = Modality.PHOTO if part.kind == Kind.LIKE else Modality(part.kind)
        kinds[kind] = kinds.get(kind, 0.0) + part.weight / length
    parts = None if local is None else _drawn(ready, results, local)
    return Question((total / length).astype(np.float32), _pictures(ready), kinds, parts)


def _drawn(ready: Sequence[tuple[Part, Any]], results: Sequence[Encoding], local: Local) -> Parts | None:
    """The local parts of the drawing that the query leads to; None without one."""
    for (part, pixels), result in zip(ready, results, strict=True):
        cells = result.cells if isinstance(result, Encoded) and part.kind == Kind.SKETCH else None
        if part.weight > 0 and cells is not None and np.isfinite(cells).all():
            return local.coarse_sketch(cells, pixels)
    return None


def visible(query: Query, marked: Marked) -> Query:
    """The same query without hidden photos and, if it asks for that, among favourites only."""
    where = marked.among(query.where, favourites=query.favourites)
    return query if where is query.where else replace(query, where=where)


def searched(query: Query, encoder: Encoder, published: Library, marked: Marked = NOTHING_MARKED) -> Answer:
    """Search for a single query, without a shared model."""
    query = visible(query, marked)
    choice = Rerankers(encoder).fitting(query, published)
    ready: list[tuple[Part, Any]] = []
    for part in query.parts:
        try:
            ready.append((part, prepared(part, encoder, published, SKETCH_CAPS)))
        except BadImage as error:
            raise BadImage(f"{part.value}: {error}" if isinstance(part.value, Path) else str(error)) from None
    encode = encoders(encoder)
    results = [
        value if part.kind == Kind.LIKE else split(encode[part.kind]([value]))[0] for part, value in ready
    ]
    asked = question(ready, results, choice.local)
    answer = find(published, asked, query, choice.reranker, choice.head)
    return replace(answer, ranked_by=choice.name, remark=choice.remark)


def shown(photo: Photo, favourites: Set[str] = frozenset()) -> PhotoInfo:
    """Describe a photo as in lists; `favourites` are contents."""
    return PhotoInfo(**_fields(photo, favourites))


def _fields(photo: Photo, favourites: Set[str]) -> dict[str, Any]:
    url = f"/photos/{photo.public_id}"
    return {
        "id": photo.public_id,
        "path": photo.relative,
        "url": url,
        # With the content's hash in the address, browsers can cache a thumbnail forever. Not with eight digits: large
        # ones of version 0.1 are cached under that.
        "thumbnail_url": f"{url}/thumbnail?v={photo.content[:10]}",
        "width": photo.width,
        "height": photo.height,
        "taken": photo.taken,
        "camera": photo.camera,
        "colour": None if photo.colour is None else f"#{photo.colour:06x}",
        "favourite": photo.content in favourites,
    }


def described(ranked: Ranked, favourites: Set[str] = frozenset()) -> Result:
    """Describe a photo as in the service's results."""
    hit = ranked.hit
    return Result(
        **_fields(hit.photo, favourites),
        score=round(hit.score, 4),
        relevance=None if ranked.relevance is None else round(ranked.relevance, 4),
        duplicates=list(hit.duplicates),
        detail=None if ranked.detail is None else dict(ranked.detail),
    )


def _pictures(ready: Sequence[tuple[Part, Any]]) -> dict[Modality, Pixels]:
    return {Modality(part.kind): value for part, value in ready if part.kind in PICTURES}


def _known(published: Library, names: str) -> Vectors:
    """The direction of all these photos together: those with a minus sign lead away from it."""
    rows = [
        -_vector(published, name[1:]) if name.startswith("-") else _vector(published, name)
        for name in names.split(",")
    ]
    total: Vectors = np.sum(rows, axis=0, dtype=np.float32)
    if float(np.linalg.norm(total)) < _NOTHING * len(rows):
        detail = "the photos in `like` cancel each other out: leave one out"
        raise ServiceError("empty_query", detail)
    mixed: Vectors = unit(total[None])[0]
    return mixed


def _vector(published: Library, name: str) -> Vectors:
    vector = published.vector(name)
    if vector is None:
        raise ServiceError("photo_not_found", f"no photo has the id {name[:40]!r}; search again")
    if not np.isfinite(vector).all():
        detail = "the vector of this photo is damaged; run sketchseek index again"
        raise ServiceError("encoding_failed", detail)
    found: Vectors = unit(vector)[0]
    return found
