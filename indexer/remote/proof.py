"""Prove a new table before it is served: it is complete, gives back what was stored, and finds what it should.

While the rows are written, every one is compared with some questions, so the best answers are known exactly, also
among photos of some stretches of time, as a filter by date asks. The effort is raised until the server finds them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.conditions import EVERYTHING, Condition, OneOf, between
from indexer.errors import IndexProblem
from indexer.remote.database import Built, Table
from indexer.stores import Source
from indexer.values import Ids
from model.modality import Vectors, unit

K = 10
_QUESTIONS = 200
SAMPLES = 20
SHARES = (0.003, 0.02, 0.1, 0.2, 0.45)
RECALL, FILTERED_RECALL = 0.99, 0.97
_EFFORTS = (32, 64, 128, 256, 512, 1024, 2048, 4096)
# Scores may differ that much by rounding, and half precision.
_ROUNDING = 2e-3
_ALIKE = 0.999


@dataclass(frozen=True)
class Window:
    """So many photos of a stretch of places, and their share of all."""

    share: float
    photos: int
    start: int
    end: int

    @property
    def condition(self) -> Condition:
        return EVERYTHING if self.share == 1.0 else between("place", self.start, self.end)


class Truth:
    """The best answers to some questions, exactly; give it all rows with `learn`.

    `at` says which place the photo of a rank has, also that of one behind the last.
    """

    def __init__(self, source: Source, photos: int, seed: int, at: Callable[[int], int]) -> None:
        self._random = np.random.default_rng(seed)
        self.questions = self._asked(source)
        self.windows = [Window(1.0, photos, at(0), at(photos)), *self._stretches(photos, at)]
        self._best = [np.full((len(self.questions), K), -np.inf, dtype=np.float32) for _ in self.windows]
        self.samples: dict[int, Vectors] = {}
        self._photos = photos

    def learn(self, ids: Ids, places: NDArray[np.int64], vectors: Vectors) -> None:
        scores = np.asarray(self.questions @ vectors.T, dtype=np.float32)
        for number, window in enumerate(self.windows):
            inside = np.ones(len(ids), bool)
            if window.share < 1.0:
                inside = (places >= window.start) & (places < window.end)
            if inside.any():
                both = np.concatenate([self._best[number], scores[:, inside]], axis=1)
                self._best[number] = -np.partition(-both, K - 1, axis=1)[:, :K]
        for place in self._random.permutation(len(ids))[: max(1, SAMPLES * len(ids) // self._photos)]:
            self.samples[int(ids[place])] = vectors[place].copy()

    def worst(self, number: int) -> NDArray[np.float32]:
        """For each question the score of the last of the best K; of fewer, of the last there is."""
        best = np.sort(self._best[number], axis=1)
        found: NDArray[np.float32] = np.where(np.isfinite(best), best, np.inf).min(axis=1)
        return found

    def _asked(self, source: Source) -> Vectors:
        """The model's own drawings and words; without them, photos that are half something else."""
        if source.questions is not None and len(source.questions):
            step = -(-len(source.questions) // _QUESTIONS)
            return np.ascontiguousarray(source.questions[::step], dtype=np.float32)
        some = source.sample(_QUESTIONS)
        noise = unit(self._random.standard_normal(some.shape).astype(np.float32))
        return np.asarray(unit((some + noise).astype(np.float32)), dtype=np.float32)

    def _stretches(self, photos: int, at: Callable[[int], int]) -> list[Window]:
        found = []
        for share in SHARES:
            length = int(share * photos)
            if length >= K:
                start = int(self._random.integers(0, photos - length + 1))
                found.append(Window(share, length, at(start), at(start + length)))
        return found


@dataclass(frozen=True)
class Proven:
    """The recall without and with filters, and the effort that each share of photos needs."""

    recall: float
    filtered_recall: float
    efforts: tuple[tuple[float, int, float], ...]


def prove(table: Table, built: Built, truth: Truth, photos: int, where: str) -> Proven:
    """Raises IndexProblem if the table is not what was written."""
    complete(table, photos, where)
    read_back(table, truth.samples, where)
    return measure(table, built, truth)


def complete(table: Table, photos: int, where: str) -> None:
    if (found := table.count(EVERYTHING, strong=True)) != photos:
        raise IndexProblem(f"{where}: the server has {found} of {photos} photos; run this again")


def measure(table: Table, built: Built, truth: Truth) -> Proven:
    """The effort that is enough, and the recall then."""
    efforts = []
    for number, window in enumerate(truth.windows):
        goal = RECALL if window.share == 1.0 else FILTERED_RECALL
        for effort in (0,) if built.exact else _EFFORTS:
            recall = _recall(table, truth, number, window, effort)
            if recall >= goal:
                break
        efforts.append((window.share, effort, round(recall, 4)))
    _, *others = efforts
    return Proven(efforts[0][2], min((recall for _, _, recall in others), default=1.0), tuple(efforts))


def _recall(table: Table, truth: Truth, number: int, window: Window, effort: int) -> float:
    """How much of the best K is found; one that scores as much as the last of them counts as well."""
    worst, found, wanted = truth.worst(number), 0, 0
    among = min(K, window.photos)
    for question, least in zip(truth.questions, worst, strict=True):
        scores = table.search(question.reshape(1, -1), K, window.condition, effort).scores
        found += min(among, int((scores >= least - _ROUNDING * max(1.0, abs(least))).sum()))
        wanted += among
    return found / max(1, wanted)


def read_back(table: Table, known: Mapping[int, Vectors], where: str) -> None:
    """What was stored comes back, and a search finds it."""
    samples = dict(list(known.items())[:SAMPLES])
    if not samples:
        return
    rows = table.select(["id", "vector"], OneOf("id", tuple(samples)), len(samples), strong=True)
    stored = dict(zip(rows["id"], rows["vector"], strict=True))
    for number, vector in samples.items():
        found = stored.get(number)
        if found is None or _cosine(found, vector) < _ALIKE:
            raise IndexProblem(
                f"{where}: the server does not give back the vectors that were stored; its version may not be supported"
            )
        # A node may lag behind; only then is it worth waiting for.
        if not any(_finds(table, number, vector, strong=strong) for strong in (False, True)):
            raise IndexProblem(
                f"{where}: the server does not find a vector that was stored; its version may not be supported"
            )


def _finds(table: Table, number: int, vector: Vectors, *, strong: bool) -> bool:
    best = table.search(vector.reshape(1, -1), 1, EVERYTHING, _EFFORTS[2], strong=strong)
    # A copy may come first, but then it must score the same.
    return bool(len(best.ids)) and bool(
        int(best.ids[0]) == number or best.scores[0] >= 0.998 * float(vector @ vector)
    )


def gone(table: Table, ids: Sequence[int], where: str) -> None:
    """What was deleted does not come back."""
    if len(ids) and table.select(["id"], OneOf("id", tuple(ids)), len(ids), strong=True)["id"]:
        raise IndexProblem(
            f"{where}: the server still has photos that were deleted; its version may not be supported"
        )


def _cosine(one: Vectors, other: Vectors) -> float:
    return float(one @ other / max(1e-12, float(np.linalg.norm(one) * np.linalg.norm(other))))
