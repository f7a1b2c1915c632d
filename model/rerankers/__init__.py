"""Re-rankers: the second stage of a search, which reorders the best photos of the first stage.

The first stage compares one vector with all photos. A re-ranker sees only the best of them, and may look
closer: at their similarities to each other, or at their parts. To add one, write a module and name it in RERANKERS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.local.coding import Rows
from model.local.parts import Parts
from model.modality import Modality, Pixels, Vectors
from model.registry import Registry

# Why a result has its place, for people and programs: anything that JSON can represent.
Detail = Mapping[str, Any]


# Rows of packed parts, and which of them mean something: photos without parts have none. Each is read from disk.
Lookup = Callable[[NDArray[np.int64]], tuple[Rows, NDArray[np.bool_]]]


@dataclass(frozen=True)
class Question:
    """The query: one semantic vector, and the prepared pictures that went into it.

    `kinds` says how much of the vector came from a sketch, from words, and from photos; a negative number leads away.
    """

    vector: Vectors
    pictures: Mapping[Modality, Pixels] = field(default_factory=dict)
    kinds: Mapping[Modality, float] = field(default_factory=dict)
    # The parts of its drawing, on the grid of the candidates' rows; None without a drawing or a local head.
    parts: Parts | None = None


@dataclass(frozen=True)
class Candidates:
    """The photos of the first stage, best first: each row of the arrays belongs to one photo.

    `corrected` are the scores minus what is in them for any query; it equals `scores` where that is not known.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    vectors: Vectors
    corrected: NDArray[np.float32]
    # Looks up the packed parts (see `model.local`) of the candidates at these positions; None if the index has none.
    rows: "Lookup | None" = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Ranking:
    """The new order: positions among the candidates, each once; `details` has an entry for each, in that order."""

    order: NDArray[np.int64]
    details: Sequence[Detail | None]
    # How likely each is right, from 0 to 1, in that order; None where the model cannot tell.
    relevance: NDArray[np.float32] | None = None


class Reranker(Protocol):
    """Must be thread-safe and deterministic: the pages of one search must fit together."""

    # How many candidates it reorders, whatever page is requested; the rest keep their places.
    depth: int
    # Whether the first stage finds and orders them by corrected scores.
    corrected: bool
    # Whether it compares local parts. What has no say in this compares none.
    parts: bool

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        """Reorder the candidates: at most `depth`, possibly none."""
        ...


# Each entry creates a re-ranker from a model's Encoder, which checks its card against this table.
RERANKERS: Registry[Callable[[Any], Reranker]] = Registry(
    "re-ranker",
    {
        "plain": "model.rerankers.plain:FirstStage",
        "collection": "model.rerankers.collection:Collection",
        "local": "model.rerankers.local:LocalParts",
        "all": "model.rerankers.local:Everything",
    },
)


# What orders photos instead where there are no local parts to compare.
WITHOUT_PARTS = {"local": "plain", "all": "collection"}


def compares_parts(reranker: Reranker) -> bool:
    return bool(getattr(reranker, "parts", False))
