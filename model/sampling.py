"""Which images make up a training batch: labels evenly, sketch beside photo, the same for a seed.

The sampler keeps no state: batch number n depends on the records, the settings and n alone. A run that was
killed goes on from its step number and sees exactly the batches it would have seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from model.datasets import PHOTO, SKETCH, DataProblem, Record


@dataclass(frozen=True)
class Visit:
    """The `turn`-th time that a label comes up."""

    label: int
    turn: int


class BalancedSampler:
    """`batch(step)` gives indices into `records`.

    Each round visits every label once, in a fresh order; each visit takes `per_label` images, sketches and
    photos by turns, and goes through all of a label's images before it repeats one. With `evenness` below 1 a
    label of n images comes up n ** (1 - evenness) times a round, so that one with a single photo is not seen
    as often as one with a thousand. With `pairs`, a sketch is followed by its own photo, if it has one.
    """

    def __init__(
        self,
        records: Sequence[Record],
        batch: int,
        seed: int,
        *,
        per_label: int = 2,
        evenness: float = 1.0,
        pairs: bool = False,
    ) -> None:
        if not records:
            raise DataProblem("there is nothing to sample from: no record is left for training")
        if batch < 1 or per_label < 1 or batch % per_label:
            raise DataProblem(f"a batch of {batch} cannot be filled with {per_label} images a label")
        if not 0 <= evenness <= 1:
            raise DataProblem(f"evenness is {evenness}: give 0 (by size) to 1 (all labels alike)")
        self.batch_size, self.seed, self.per_label, self.pairs = batch, seed, per_label, pairs
        self._records = records
        self._decks = _decks(records)
        self._own_photos = _own_photos(records)
        sizes = [sum(map(len, decks)) for decks in self._decks]
        self._tickets = [max(1, round(size ** (1 - evenness))) for size in sizes]
        self._round = [label for label, count in enumerate(self._tickets) for _ in range(count)]
        self._nth = [nth for count in self._tickets for nth in range(count)]
        # Per instance, so that a sampler that is gone takes its orders with it.
        self._order = lru_cache(maxsize=4096)(self._shuffled)

    @property
    def steps_per_round(self) -> int:
        """Batches until every label has come up."""
        return -(-len(self._round) * self.per_label // self.batch_size)

    def batch(self, step: int) -> list[int]:
        visits = self.batch_size // self.per_label
        return [
            index
            for number in range(step * visits, (step + 1) * visits)
            for index in self._drawn(self._visit(number))
        ]

    def batches(self, start: int = 0) -> Iterator[list[int]]:
        """Without end, from the batch of step `start`."""
        step = start
        while True:
            yield self.batch(step)
            step += 1

    def _visit(self, number: int) -> Visit:
        rounds, place = divmod(number, len(self._round))
        ticket = self._order(len(self._round), 0, rounds)[place]
        label = self._round[ticket]
        return Visit(label, rounds * self._tickets[label] + self._nth[ticket])

    def _drawn(self, visit: Visit) -> list[int]:
        drawn: list[int] = []
        for draw in range(visit.turn * self.per_label, (visit.turn + 1) * self.per_label):
            own = self._own_photo_of(drawn[-1]) if drawn and len(drawn) % 2 else None
            drawn.append(self._card(visit.label, draw) if own is None else own)
        return drawn

    def _card(self, label: int, draw: int) -> int:
        """Sketches and photos by turns; which of them begins differs from label to label."""
        decks = self._decks[label]
        which = draw % len(decks) if self.per_label > 1 else (draw + label) % len(decks)
        deck = decks[which]
        rounds, place = divmod(draw // len(decks), len(deck))
        return deck[self._order(len(deck), 1 + 2 * label + which, rounds)[place]]

    def _own_photo_of(self, index: int) -> int | None:
        record = self._records[index]
        if not self.pairs or record.modality != SKETCH or record.pair is None:
            return None
        return self._own_photos.get((record.set, record.pair))

    def _shuffled(self, size: int, stream: int, rounds: int) -> list[int]:
        order: list[int] = np.random.default_rng([self.seed, stream, rounds]).permutation(size).tolist()
        return order


def _decks(records: Sequence[Record]) -> list[list[list[int]]]:
    """For each label its sketches and its photos, whichever there are, sketches first."""
    piles: dict[str, dict[str, list[int]]] = {}
    for index, record in enumerate(records):
        piles.setdefault(record.label, {}).setdefault(record.modality, []).append(index)
    return [
        [piles[label][kind] for kind in (SKETCH, PHOTO) if kind in piles[label]] for label in sorted(piles)
    ]


def _own_photos(records: Sequence[Record]) -> dict[tuple[str, str], int]:
    return {
        (record.set, record.pair): index
        for index, record in enumerate(records)
        if record.modality == PHOTO and record.pair is not None
    }
