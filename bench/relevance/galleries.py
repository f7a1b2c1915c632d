"""Searches in galleries of several kinds: what the second stage knows of each candidate, and whether it is right."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from bench.gallery import named
from bench.relevance.pictures import Group, Pictures
from model import Encoder
from model.modality import Modality, Vectors
from model.rerankers.collection import by_final, signals, varied
from model.rerankers.relevance import DEPTH, inputs

Flags = NDArray[np.bool_]

# Galleries are weighted equally, but for the one that is as most libraries are.
TWICE = "large"
# How many others there are where things are rare, and how many photos a thing has there.
_OTHERS, _RARE = 3000, 2
_FIRST = 5
# Queries that are compared at once.
_BLOCK = 64
# Words for things of which a gallery has fewer photos say nothing.
_LEAST = 3
# Nothing shows these, in any gallery: typing errors, languages that the model does not read, and what has no looks.
NONSENSE = (
    *(
        "asdfqwer",
        "qwertz",
        "asdf jkl",
        "lorem ipsum",
        "xkcd zzzz",
        "blorf",
        "gnarfle the garthok",
        "12345",
        "????",
    ),
    *(
        "Hubschrauber",
        "Schmetterling",
        "Regenschirm",
        "parapluie",
        "hélicoptère",
        "mariposa",
        "Löffel",
        "gatto",
    ),
    *(
        "猫",
        "собака",
        "яблоко",
        "ψάρι",
        "justice",
        "tomorrow",
        "inflation",
        "the of and",
        "democracy",
        "thirteen",
    ),
    *(
        "philosophy",
        "algorithm",
        "tax return",
        "password",
        "sincerely",
        "regards",
        "maybe",
        "quarterly revenue",
    ),
    *("".join(letters) for letters in np.random.default_rng(0).choice([*ascii_lowercase], (40, 7))),
)


@dataclass(frozen=True)
class Asked:
    """One search: the candidates by final score, best first."""

    gallery: str
    label: str
    inputs: Vectors
    right: Flags
    # Whether any candidate is right, or one of the first places.
    present: bool
    close: bool


@dataclass(frozen=True)
class _Gallery:
    name: str
    queries: Vectors
    labels: Sequence[str]
    photos: Vectors
    # For each label that is asked for, which photos show it.
    shows: dict[str, Flags]


def asked(encoder: Encoder, pictures: Pictures, kind: Modality) -> list[Asked]:
    """All searches by drawings, or by words."""
    assert encoder.bank is not None, "the model has no bank: add one with `sketchseek bank`"
    galleries = _drawn(pictures) if kind == Modality.SKETCH else _said(encoder, pictures)
    near = encoder.bank.kinds[kind]
    return [one for each in galleries for one in _searched(each, near.bias(each.photos))]


def _searched(gallery: _Gallery, biases: Vectors) -> Iterator[Asked]:
    for place, label in enumerate(gallery.labels):
        if place % _BLOCK == 0:
            block = gallery.queries[place : place + _BLOCK] @ gallery.photos.T - biases
        scores = block[place % _BLOCK]
        best = _best(scores)
        found = signals(scores[best], gallery.photos[best])
        right = gallery.shows[label][best]
        order = by_final(found)
        close = bool(right[varied(found)[:_FIRST]].any())
        yield Asked(
            gallery.name, label, inputs(found)[order], right[order], bool(gallery.shows[label].any()), close
        )


def _best(scores: Vectors) -> NDArray[np.int64]:
    count = min(DEPTH, len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    return best[np.argsort(-scores[best], kind="stable")]


def _drawn(pictures: Pictures) -> Iterator[_Gallery]:
    drawings, photos, others = pictures.drawings, pictures.photos, pictures.others
    yield _of("small", drawings, photos)
    yield _of("large", drawings, photos, others)
    yield _of("rare", drawings, *_rare(photos, others))
    yield _of("absent", _part(drawings, range(0, len(drawings), 2)), others)
    large = Counter(photos.labels + others.labels)
    for name, group in (("doodles", pictures.doodles), ("seen", pictures.known)):
        rows = [row for row, label in enumerate(group.labels) if large[label] >= _LEAST]
        if rows:
            yield _of(name, _part(group, rows), photos, others)
    if len(pictures.demo) and len(pictures.for_demo):
        yield _demo(pictures)


def _said(encoder: Encoder, pictures: Pictures) -> Iterator[_Gallery]:
    photos, others = pictures.photos, pictures.others
    known = sorted(pictures.seen)
    for name, groups in (
        ("small", (photos,)),
        ("large", (photos, others)),
        ("rare", _rare(photos, others)),
        ("absent", (others,)),
    ):
        labels = [label for group in groups for label in group.labels]
        count = Counter(labels)
        asked = [label for label in sorted(pictures.unseen) if (label in count) == (name != "absent")]
        if name in (TWICE, "rare"):
            asked += [label for label in known if count[label] >= _LEAST][::2]
        asked += NONSENSE
        vectors = np.concatenate([group.vectors for group in groups])
        yield _Gallery(name, encoder.texts(asked), asked, vectors, _shows(labels, asked))
    if len(pictures.demo) and len(pictures.for_demo):
        asked = [*sorted(set(pictures.for_demo.labels)), *NONSENSE]
        shows = {label: named(pictures.demo.records, label) for label in asked}
        yield _Gallery("demo", encoder.texts(asked), asked, pictures.demo.vectors, shows)


def _of(name: str, queries: Group, *photos: Group) -> _Gallery:
    labels = [label for group in photos for label in group.labels]
    vectors = np.concatenate([group.vectors for group in photos])
    return _Gallery(name, queries.vectors, queries.labels, vectors, _shows(labels, queries.labels))


def _demo(pictures: Pictures) -> _Gallery:
    queries, files = pictures.for_demo, pictures.demo.records
    shows = {label: named(files, label) for label in set(queries.labels)}
    return _Gallery("demo", queries.vectors, queries.labels, pictures.demo.vectors, shows)


def _rare(photos: Group, others: Group) -> tuple[Group, Group]:
    taken: Counter[str] = Counter()
    rows = []
    for row, label in enumerate(photos.labels):
        taken[label] += 1
        if taken[label] <= _RARE:
            rows.append(row)
    chosen = np.random.default_rng(0).permutation(len(others))[:_OTHERS]
    return _part(photos, rows), _part(others, chosen.tolist())


def _part(group: Group, rows: Sequence[int]) -> Group:
    return Group(tuple(group.records[row] for row in rows), group.vectors[list(rows)])


def _shows(labels: Sequence[str], asked: Sequence[str]) -> dict[str, Flags]:
    each = np.array(labels)
    return {label: each == label for label in set(asked)}
