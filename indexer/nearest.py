"""From what a store or a server finds to the nearest photos: ties, near-duplicates, biases, and scores too low."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.stores.biased import MOST
from indexer.values import Hit, Ids, Nearest, Photo, original
from model.modality import Vectors

# Photos that tie are ordered by id, unless they are more than this.
_MOST_TIES = 20_000
# Fetches so many photos or more, and says whether there are no others.
Fetch = Callable[[int], tuple[Nearest, bool]]


def settled(fetch: Fetch, k: int, first: int, most: int | None = None) -> Nearest:
    """The best k of what `fetch` gives, starting with `first`, and never asking for more than `most`.

    Of photos that tie, a store finds any: those that fit depend on how many are fetched.
    """
    count = first
    while True:
        count = count if most is None else min(count, most)
        found, complete = fetch(count)
        sure = len(found) > k and bool(found.corrected[k - 1] > found.corrected[-1])
        if complete or sure or (count > _MOST_TIES and len(found) >= k) or count == most:
            return found if len(found) <= k else found[:k]
        count *= 2


def ordered(ids: Ids, corrected: NDArray[np.float32]) -> NDArray[np.int64]:
    """The order by score, ties by id."""
    return np.lexsort((ids, -corrected))


def usable(ids: Ids, corrected: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of these are results: vectors with NaN would come first in every search."""
    good: NDArray[np.bool_] = (ids >= 0) & np.isfinite(corrected)
    return good


def scored(
    found: Nearest, complete: bool, biases: Vectors | None, weights: Vectors | None, min_score: float | None
) -> tuple[Nearest, bool]:
    """Give back to the scores what the biases took from them, and leave out what scores too little."""
    if weights is not None and biases is not None:
        whole = found.corrected + biases @ weights
        found = Nearest(found.ids, whole, found.corrected, found.vectors)
    if min_score is not None and len(found):
        # No photo that follows can score more than this.
        limit = float(found.corrected[-1]) + (0.0 if weights is None else MOST * np.abs(weights).sum())
        complete = complete or limit < min_score
        found = found[found.scores >= min_score]
    return found, complete


def best_of_groups(groups: Ids) -> NDArray[np.int64]:
    """The places of the first photo of each group of near-duplicates."""
    return np.sort(np.unique(groups, return_index=True)[1])


def with_duplicates(hits: Sequence[Hit], members: Mapping[int, Sequence[Photo]]) -> list[Hit]:
    """The hits with all near-duplicates, even those scored too low to be fetched; `members` are those of their groups.

    The original is shown, with the score of the best, which may be a copy.
    """
    complete = []
    for hit in hits:
        group = members.get(hit.photo.group) or [hit.photo]
        shown = original(group, hit.photo)
        others = tuple(photo.public_id for photo in group if photo.id != shown.id)
        complete.append(Hit(shown, hit.score, others))
    return complete
