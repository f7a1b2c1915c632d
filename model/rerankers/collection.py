"""A second stage by what the collection itself shows: photos of one thing support each other, and the top is varied.

The vectors of photos say which of them show the same thing far better than any drawing does. So a photo counts for
more if the photos most like it are near the query, too (a local mean), and if much of what is near the query leads to
it (diffusion, a random walk with restart on the graph of mutual neighbours). Where few photos are alike, as in a small
or mixed collection, both hardly differ from the photo's own score, and the order of the first stage remains.

The first few places go to different things as long as it is not clear which of them was meant: a photo that looks like
those above it adds little if they are wrong. docs/ranking.md says how the numbers below were chosen.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.modality import Modality, Vectors
from model.rerankers import Candidates, Question, Ranking
from model.rerankers.relevance import DEPTH, TEMPERATURE, can_judge, relevance

if TYPE_CHECKING:
    from model.card import Relevance
    from model.encoder import Encoder

Floats = NDArray[np.float32]

_NEIGHBOURS = 20
# So many numbers of each vector suffice to compare photos: training starts with the principal directions.
_COMPARED = 256
# Weights of the local mean and of the diffusion beside the photo's own score.
_LOCAL, _SPREAD = 3.0, 0.08
# The random walk: how much it goes on rather than starts again, in how many steps.
_SHARE, _STEPS = 0.8, 12
# Scores less than this start no walk; the others start it by this power of what is left.
_FROM, _POWER = -0.3, 6
# How many places differ, and how much that counts.
_PLACES, _DIFFERENT = 5, 3.0
# Photos less similar than the first show different things, those more similar than the second the same.
_APART, _SAME = 0.35, 0.75
_TINY = 1e-5


class Collection:
    """For drawings and words; a photo as the query asks for what looks like it, which its score says best."""

    depth = DEPTH
    corrected = True
    parts = False

    def __init__(self, encoder: "Encoder | object") -> None:
        self._relevance: Relevance | None = getattr(getattr(encoder, "card", None), "relevance", None)

    def rerank(self, question: Question, candidates: Candidates) -> Ranking:
        nothing = [None] * len(candidates)
        if not len(candidates) or by_photo(question):
            return Ranking(np.arange(len(candidates)), nothing)
        found = signals(candidates.corrected, candidates.vectors)
        # Without biases, scores mean something else than what relevance was fitted to.
        biased = bool((candidates.corrected != candidates.scores).any())
        judged = biased and can_judge(question.kinds)
        likely = relevance(question.kinds, found, self._relevance) if judged else None
        order = varied(self.improved(found, question, candidates))
        return Ranking(order, nothing, None if likely is None else likely[order])

    def improved(self, found: "Signals", question: Question, candidates: Candidates) -> "Signals":
        """The signals by which photos are ordered; for whoever knows more about them."""
        return found


def by_photo(question: Question) -> bool:
    """Whether photos make up most of the query."""
    shares = {kind: abs(share) for kind, share in question.kinds.items()}
    return 2 * shares.get(Modality.PHOTO, 0.0) > sum(shares.values())


@dataclass(frozen=True)
class Signals:
    """What is known of each candidate: its own score, the local mean, the final score, and what shows the same."""

    own: Floats
    local: Floats
    final: Floats
    same: Vectors


def signals(own: Floats, vectors: Vectors) -> Signals:
    """Score the candidates by each other; costs as much as comparing all with all."""
    # Two matrices serve for everything, since a fresh one costs as much as what is computed in it; products with
    # ones and clip are quicker than sums and maximum.
    looks = vectors[:, :_COMPARED]
    alike = looks @ looks.T
    scale = 1 / np.sqrt(np.maximum(alike.diagonal(), 1e-9))
    alike *= scale
    alike *= scale[:, None]
    np.fill_diagonal(alike, 1.0)
    count = min(_NEIGHBOURS + 1, len(own))
    ties = alike.copy()
    ties.partition(-count, axis=1)
    near = alike >= ties[:, -count, None]
    np.multiply(alike, alike, out=ties)
    ties *= alike
    np.clip(ties, 0.0, 1.0, out=ties)
    ties *= near
    local = np.divide(ties @ own, ties @ np.ones_like(own), dtype=np.float32)
    near &= near.T
    ties *= near
    walked = _walk(ties, own)
    same = alike
    same -= _APART
    same /= _SAME - _APART
    np.clip(same, 0.0, 1.0, out=same)
    final = own + _LOCAL * local + _SPREAD * np.log(walked / walked.max() + _TINY)
    return Signals(own, local, final.astype(np.float32), same)


def _walk(mutual: Vectors, own: Floats) -> Floats:
    np.fill_diagonal(mutual, 0.0)
    scale = 1 / np.sqrt(np.maximum(mutual @ np.ones_like(own), 1e-9))
    start = np.maximum(own - _FROM, 0.0) ** _POWER
    start = start / start.sum() if start.any() else np.full_like(own, 1 / len(own))
    share, again, onward = start, (1 - _SHARE) * start, _SHARE * scale
    for _ in range(_STEPS):
        share = onward * (mutual @ (scale * share)) + again
    return share


def by_final(found: Signals) -> NDArray[np.int64]:
    return np.argsort(-found.final, kind="stable")


def varied(found: Signals) -> NDArray[np.int64]:
    """The order by final score, but for the first places, where what differs from those above counts for more."""
    order = by_final(found)
    sure = np.exp((found.final - found.final.max()) / TEMPERATURE)
    first: list[int] = []
    missed = np.ones(len(sure), dtype=np.float32)
    for _ in range(min(_PLACES, len(sure))):
        worth = sure * (1 + _DIFFERENT * missed)
        worth[first] = -1.0
        first.append(int(worth.argmax()))
        # How likely it is right although all of these are wrong.
        missed *= 1 - found.same[first[-1]]
    left = np.ones(len(sure), dtype=bool)
    left[first] = False
    return np.concatenate([np.array(first, dtype=np.int64), order[left[order]]])
