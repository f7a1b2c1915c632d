"""Are explanations honest? What they say of a pair is put to the test, on drawings and photos that nobody chose.

| test | what should happen |
| --- | --- |
| deletion | without the parts of the photo that add most, the score falls more than without random ones |
| other photos | with another photo of the class, and more so of another class, score and collage fit less well |
| distance | a drawing's parts match near-by parts of the photo that it was drawn from; chance is about half a side |
| repetition | the same pair is explained in the same way, byte for byte |

The same drawing is explained with three photos: its own (or, in data without pairs, one of its class), another one of
its class, and one of another class.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import DataProblem, Record
from model.evaluation.explained import Explain, Explained, PairPicture, collage
from model.evaluation.report import Explanations, PhotoRow, RemovedRow
from model.evaluation.tasks import Questions, spread
from model.local.parts import centres
from model.modality import Pixels

Floats = NDArray[np.float32]

# Drawings that are explained; parts that are taken out; random sets for each number of them.
PAIRS, REMOVED, DRAWS = 100, 5, 5
# The area under the curve covers 1 to so many parts.
MOST = 10
MOST_SHOWN = 8


class Photo(StrEnum):
    """Which photo a drawing is explained with."""

    OWN = "its own"
    SAME = "of its class"
    OTHER = "of another class"


@dataclass(frozen=True)
class Tried:
    """A drawing and the numbers of the photos that it is explained with."""

    sketch: int
    photos: dict[Photo, int]

    @property
    def first(self) -> int:
        return next(iter(self.photos.values()))


@dataclass(frozen=True)
class Subject:
    """What is tested: a model's explanations, and how to get at pixels and at what a picture shows as a whole."""

    explain: Explain
    pixels: Callable[[Record], Pixels]
    # How similar a photo (here: a collage) is to a drawing, by the model's vectors.
    similarity: Callable[[Pixels, Pixels], float]


def chosen(questions: Questions, most: int = PAIRS, seed: int = 0) -> list[Tried]:
    """Drawings of as many classes as possible, each with photos from the gallery of its task; always the same."""
    rng = np.random.default_rng(seed)
    gallery = np.flatnonzero(questions.photos & questions.unseen)
    own = {str(questions.pairs[at]): int(at) for at in gallery if questions.paired_photos[at]}
    found = []
    for sketch in spread(np.flatnonzero(questions.sketches), questions.labels, most, seed):
        photos: dict[Photo, int] = {}
        mine = own.get(str(questions.pairs[sketch])) if questions.paired_sketches[sketch] else None
        if mine is not None:
            photos[Photo.OWN] = mine
        same = questions.labels[gallery] == questions.labels[sketch]
        for kind, which in (
            (Photo.SAME, same & (gallery != (-1 if mine is None else mine))),
            (Photo.OTHER, ~same),
        ):
            if which.any():
                photos[kind] = int(rng.choice(gallery[which]))
        if Photo.OWN in photos or Photo.SAME in photos:
            found.append(Tried(sketch, photos))
    return found


def examined(
    subject: Subject, records: Sequence[Record], tried: Sequence[Tried], seed: int = 0
) -> Explanations:
    """Put the explanations of these drawings to the test."""
    rng = np.random.default_rng(seed)
    seen: dict[Photo, list[tuple[float, float, float, float]]] = {kind: [] for kind in Photo}
    chance: list[float] = []
    falls: list[NDArray[np.float64]] = []
    again = 0
    for each in tried:
        sketch = subject.pixels(records[each.sketch])
        for kind, number in each.photos.items():
            photo = subject.pixels(records[number])
            told = _told(subject, sketch, photo)
            similar = subject.similarity(sketch, collage(photo, told))
            if not told.inked.any():
                break
            fits = float(told.strength[told.cells].mean())
            seen[kind].append((told.score, fits, similar, float(np.median(distances(told)))))
            if number == each.first:
                chance.append(float(np.median(distances(told, rng))))
                falls.append(deletion(told, rng))
                again += told.bytes() == _told(subject, sketch, photo).bytes()
    if not falls:
        raise DataProblem("explanations: no drawing that was tried has a line that fills a cell")
    rows = tuple(
        PhotoRow(str(kind), len(found), *(float(np.mean(column)) for column in zip(*found, strict=True)))
        for kind, found in seen.items()
        if found
    )
    curves = np.stack(falls)
    at = min(REMOVED, curves.shape[2]) - 1
    names = ("that add most", "at random", "at random, of those that match")
    removed = tuple(
        RemovedRow(name, float(curves[:, row, at].mean()), float(curves[:, row].mean()))
        for row, name in enumerate(names)
    )
    most, random = curves[:, 0, at], curves[:, 1, at]
    return Explanations(
        len(tried), rows, float(np.mean(chance)), removed, at + 1, curves.shape[2],
        float((most > random).mean()), again,
    )  # fmt: skip


def distances(told: Explained, at_random: np.random.Generator | None = None) -> Floats:
    """From each inked cell of the drawing to its match, or to a cell at random: shares of the side."""
    here, there = (centres(side) for side in told.sides)
    cells = told.cells
    matched = told.match[cells] if at_random is None else at_random.integers(len(there), size=len(cells))
    found: Floats = np.linalg.norm(here[cells] - there[matched], axis=1)
    return found


def deletion(told: Explained, rng: np.random.Generator) -> NDArray[np.float64]:
    """How far the score falls without 1, 2, ... cells of the photo: (3, counts).

    In order: those that add most, random ones, and random ones of those that something matches.
    """
    count = len(told.by_photo)
    most = min(MOST, max(1, count // 2))
    best = np.argsort(-told.by_photo, kind="stable")
    used = np.unique(told.match[told.cells])
    sets = [best[:k] for k in range(1, most + 1)]
    for pool in (np.arange(count), used):
        for k in range(1, most + 1):
            sets += [rng.choice(pool, min(k, len(pool)), replace=False) for _ in range(DRAWS)]
    fell = told.score - told.without([[*map(int, cells)] for cells in sets]).astype(np.float64)
    random = fell[most:].reshape(2, most, DRAWS).mean(axis=2)
    return np.concatenate([fell[None, :most], random])


def pictured(subject: Subject, records: Sequence[Record], tried: Sequence[Tried]) -> list[PairPicture]:
    """The lines of a sheet of the first pairs: each drawing with its own photo, or with one of its class."""
    lines = []
    for each in tried[:MOST_SHOWN]:
        sketch, photo = (subject.pixels(records[number]) for number in (each.sketch, each.first))
        told = subject.explain(sketch, photo)
        if told is not None:
            kind = next(iter(each.photos))
            lines.append(
                PairPicture(
                    sketch, photo, told, f"{records[each.sketch].label}, {kind}: score {told.score:.3f}"
                )
            )
    return lines


def _told(subject: Subject, sketch: Pixels, photo: Pixels) -> Explained:
    told = subject.explain(sketch, photo)
    if told is None:
        raise DataProblem("explanations: this model scores pairs, but does not say which parts match")
    return told
