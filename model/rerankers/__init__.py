"""Re-rankers: the second stage of a search, which puts the nearest photos of the first one into a better order.

The first stage compares one vector with all photos. A re-ranker sees only the best so many of them, and may look
closer: at how they lie to one another, or at their parts. To add one, write a module and name it in RERANKERS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.modality import Modality, Pixels, Vectors
from model.registry import Registry

# What a result says about its place, for people and programs: anything that JSON can hold.
Detail = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What is searched for: one semantic vector, and the prepared pictures that went into it."""

    vector: Vectors
    pictures: Mapping[Modality, Pixels] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """The photos of the first stage, best first: a row of each array belongs to one photo."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Ranking:
    """The better order: positions among the candidates, each once; `details` has an entry for each, in that order."""

    order: NDArray[np.int64]
    details: Sequence[Detail | None]


class Reranker(Protocol):
    """Safe to call from several threads at once, and deterministic: pages of one search must fit together."""

    # How many candidates it puts in order, whatever page is asked for; those beyond keep their places.
    depth: int

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        """The candidates, at most `depth`, in a better order. There may be none."""
        ...


# Each entry makes a re-ranker from a model's Encoder, which checks its card against this table.
RERANKERS: Registry[Callable[[Any], Reranker]] = Registry(
    "re-ranker",
    {
        "none": "model.rerankers.none:FirstStage",
    },
)
