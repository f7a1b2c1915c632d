"""How likely a candidate is right: a logistic model of four signals, fitted to labels that a model never saw.

`python -m bench.relevance` fits the numbers of a card, and those below, and draws how well they hold (docs/ranking.md).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.modality import Modality

if TYPE_CHECKING:
    from model.card import Relevance
    from model.rerankers.collection import Signals

Floats = NDArray[np.float32]

# Constant, own score, local mean, share of the confidence, agreement: those of `lite`, for cards without their own.
FITTED: Mapping[Modality, tuple[float, ...]] = {
    Modality.SKETCH: (3.39, -18.8, 22.3, 1.05, 0.218),
    Modality.TEXT: (2.58, -1.77, 30.8, 0.815, 0.341),
}
# How many candidates FITTED was fitted on, and so how many the second stage looks at.
DEPTH = 300
# Where there are fewer, the missing ones count as such with this final score.
_FLOOR = -1.3
# How fast confidence falls with the score.
TEMPERATURE = 0.2


def can_judge(kinds: Mapping[Modality, float]) -> bool:
    """Whether the query is like those that the numbers were fitted to: drawings and words, nothing to be avoided."""
    return kinds.keys() <= FITTED.keys() and all(share >= 0 for share in kinds.values())


def relevance(
    kinds: Mapping[Modality, float], found: "Signals", numbers: "Relevance | None" = None
) -> Floats:
    """From 0 to 1 for each candidate, in their order; `numbers` are those of the model's card."""
    own = FITTED if numbers is None else {Modality.SKETCH: numbers.sketch, Modality.TEXT: numbers.text}
    fitted = own[max(own, key=lambda kind: abs(kinds.get(kind, 0.0)))]
    # Beyond 30 it is 0 or 1 in float32.
    logits = np.clip(inputs(found) @ np.array(fitted, dtype=np.float32), -30, 30)
    likely: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return likely


def inputs(found: "Signals") -> Floats:
    """The signals, one column for each number of FITTED."""
    missing = max(0, DEPTH - len(found.own))
    weight = np.exp(found.final / TEMPERATURE)
    total = float(weight.sum()) + missing * float(np.exp(_FLOOR / TEMPERATURE))
    share = weight / total
    columns = (
        np.ones_like(found.own),
        found.own,
        found.local,
        np.log(share + 1e-6),
        np.log(found.same @ share + 1e-4),
    )
    return np.stack(columns, axis=1).astype(np.float32)
