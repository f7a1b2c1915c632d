"""Choose the images of a training batch: labels evenly, sketches next to photos, deterministic for a seed.

The sampler keeps no state: batch number n depends only on the records, the settings and n. A run that was
killed resumes at its step number and sees exactly the batches it would have seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, DataProblem, Record

# Labels with many images come up somewhat more often than those with a single one.
EVENNESS = 0.5


@dataclass(frozen=True)
class Rows:
    """One batch: rows drawn label by label, then sketches next to the photos they were drawn from."""

    evenly: list[int]
    instances: list[int]

    @property
    def all(self) -> list[int]:
        return self.evenly + self.instances


class Sampler(Protocol):
    """Chooses the rows of a step, depending only on its number."""

    def __call__(self, step: int) -> Rows: ...


@dataclass(frozen=True)
class Visit:
    """The `turn`-th time that a label comes up."""

    label: int
    turn: int


class BalancedSampler:
    """`batch(step)` gives indices into `records`.

    Each round visits every label once, in a new order; each visit takes `per_label` images, alternating sketches and
    photos, and uses all of a label's images before it repeats one. With `evenness` below 1, a
    label of n images comes up n ** (1 - evenness) times a round, so that one with a single photo is not seen
    as often as one with a thousand.
    """

    def __init__(
        self,
        records: Sequence[Record],
        batch: int,
        seed: int,
        *,
        per_label: int = 2,
        evenness: float = 1.0,
    ) -> None:
        if not records:
            raise DataProblem("nothing to sample from: no record is left for training")
        if batch < 1 or per_label < 1 or batch % per_label:
            raise DataProblem(f"a batch of {batch} cannot be filled with {per_label} images per label")
        if not 0 <= evenness <= 1:
            raise DataProblem(
                f"evenness is {evenness}: give a number from 0 (by size) to 1 (all labels equal)"
            )
        self.batch_size, self.seed, self.per_label = batch, seed, per_label
        self._by_label = _by_label(records)
        sizes = [sum(map(len, groups)) for groups in self._by_label]
        self._tickets = [max(1, round(size ** (1 - evenness))) for size in sizes]
        self._round = [label for label, count in enumerate(self._tickets) for _ in range(count)]
        self._nth = [nth for count in self._tickets for nth in range(count)]
        # One cache per instance, so that it is freed with its sampler.
        self._order = lru_cache(maxsize=4096)(self._shuffled)

    @property
    def steps_per_round(self) -> int:
        """The number of batches until every label has come up."""
        return -(-len(self._round) * self.per_label // self.batch_size)

    def batch(self, step: int) -> list[int]:
        visits = self.batch_size // self.per_label
        return [
            index
            for number in range(step * visits, (step + 1) * visits)
            for index in self._drawn(self._visit(number))
        ]

    def batches(self, start: int = 0) -> Iterator[list[int]]:
        """Yield batches without end, from that of step `start`."""
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
        first = visit.turn * self.per_label
        return [self._image(visit.label, draw) for draw in range(first, first + self.per_label)]

    def _image(self, label: int, draw: int) -> int:
        """Alternate sketches and photos; which of them comes first differs from label to label."""
        groups = self._by_label[label]
        which = draw % len(groups) if self.per_label > 1 else (draw + label) % len(groups)
        deck = groups[which]
        rounds, place = divmod(draw // len(groups), len(deck))
        return deck[self._order(len(deck), 1 + 2 * label + which, rounds)[place]]

    def _shuffled(self, size: int, stream: int, rounds: int) -> list[int]:
        order: list[int] = np.random.default_rng([self.seed, stream, rounds]).permutation(size).tolist()
        return order


def _by_label(records: Sequence[Record]) -> list[list[list[int]]]:
    """For each label its sketches and its photos, sketches first, leaving out empty ones."""
    found: dict[str, dict[str, list[int]]] = {}
    for index, record in enumerate(records):
        found.setdefault(record.label, {}).setdefault(record.modality, []).append(index)
    return [
        [found[label][kind] for kind in (SKETCH, PHOTO) if kind in found[label]] for label in sorted(found)
    ]


class InstanceSampler:
    """`batch(step)` gives drawings of one label, each followed by the photo that it was drawn from.

    Only labels with `count` drawn photos take part, because telling apart a few things of a kind
    teaches little.
    """

    def __init__(
        self,
        records: Sequence[Record],
        own: NDArray[np.int64],
        count: int,
        seed: int,
    ) -> None:
        self._count, self._seed = count, seed
        self._labels = drawn_photos(records, own, count)

    def __len__(self) -> int:
        """How many images it adds to a batch."""
        return 2 * self._count if self._labels else 0

    def batch(self, step: int) -> list[int]:
        if not self._labels:
            return []
        rng = np.random.default_rng([self._seed, 11, step])
        return _with_their_photos(self._labels[int(rng.integers(len(self._labels)))], self._count, rng)


class LabelsOfInstances:
    """Drawings of several labels, each followed by its own photo: `count` of each label, label by label."""

    def __init__(
        self, records: Sequence[Record], own: NDArray[np.int64], batch: int, count: int, seed: int
    ) -> None:
        self._count, self._seed = count, seed
        self._labels = drawn_photos(records, own, count)
        fit = batch // (2 * count)
        self._at_once = min(fit, len(self._labels))
        if count < 2 or self._at_once < 2:
            raise DataProblem(
                f"instances are told apart within two labels or more, two of each or more: {len(self._labels)} labels "
                f"have {count} drawn photos, and a batch of {batch} holds {fit} times as many: change `instances` or "
                "`batch`"
            )

    def __call__(self, step: int) -> Rows:
        rng = np.random.default_rng([self._seed, 13, step])
        chosen = rng.choice(len(self._labels), self._at_once, replace=False).tolist()
        return Rows(
            [], [row for label in chosen for row in _with_their_photos(self._labels[label], self._count, rng)]
        )


def drawn_photos(records: Sequence[Record], own: NDArray[np.int64], count: int) -> list[dict[int, list[int]]]:
    """For each label with at least `count` drawn photos, the drawings of each of these photos."""
    by_label: dict[str, dict[int, list[int]]] = {}
    for row, photo in enumerate(own.tolist()):
        if photo >= 0:
            by_label.setdefault(records[row].label, {}).setdefault(photo, []).append(row)
    return [by_label[label] for label in sorted(by_label) if len(by_label[label]) >= count > 0]


def _with_their_photos(drawings: dict[int, list[int]], count: int, rng: np.random.Generator) -> list[int]:
    photos = rng.choice(sorted(drawings), count, replace=False).tolist()
    return [row for photo in photos for row in (int(rng.choice(drawings[photo])), photo)]


class StepSampler:
    """Batches of a given size: as many of the requested instances as there are, the rest label by label."""

    def __init__(
        self,
        records: Sequence[Record],
        own: NDArray[np.int64],
        batch: int,
        instances: int,
        seed: int,
        per_label: int = 2,
    ) -> None:
        self._instances = InstanceSampler(records, own, instances, seed)
        self._evenly = BalancedSampler(
            records, batch - len(self._instances), seed, per_label=per_label, evenness=EVENNESS
        )

    def __call__(self, step: int) -> Rows:
        return Rows(self._evenly.batch(step), self._instances.batch(step))


class ShareSampler:
    """Batches of which a share are sketches, each modality drawn label by label on its own."""

    def __init__(self, records: Sequence[Record], batch: int, sketches: float, seed: int) -> None:
        drawn = min(batch - 1, max(1, round(sketches * batch)))
        self._parts = [
            self._part(records, SKETCH, drawn, seed),
            self._part(records, PHOTO, batch - drawn, seed + 1),
        ]

    def __call__(self, step: int) -> Rows:
        return Rows([rows[place] for rows, sampler in self._parts for place in sampler.batch(step)], [])

    @staticmethod
    def _part(
        records: Sequence[Record], modality: str, count: int, seed: int
    ) -> tuple[list[int], BalancedSampler]:
        rows = [row for row, record in enumerate(records) if record.modality == modality]
        chosen = [records[row] for row in rows]
        return rows, BalancedSampler(chosen, count, seed, per_label=1, evenness=EVENNESS)
