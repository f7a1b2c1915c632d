"""What all rows of a comparison share: the pictures, prepared once, and which of them are for what.

| part | what it is for |
| --- | --- |
| seen | training, and as photos of other things in the large gallery |
| unseen | drawings as queries, photos as the small gallery; their labels are never trained on |
| pairs | drawings and their own photos of one set, a third of its pairs, that are never trained on |
| tuned | some seen labels on which rates are chosen: trained without, then searched for |
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record
from model.data.labels import key
from model.data.splits import Part, a_tenth, trained_on
from model.evaluation.distractors import in_order
from model.training.learners.base import Learner
from model.training.recipe import Recipe
from model.training.run import data_digest
from model.training.views import Views, every_tenth

Say = Callable[[str], None]
# The photos of other things in a large gallery, which is all of those that most collections have.
LARGE = 15_000
# Held out to choose rates on.
TUNED = 10


@dataclass(frozen=True)
class Pictures:
    """A part of the data, and its prepared views, row by row."""

    data: Dataset
    views: Views

    def where(self, wanted: Callable[[Record], bool]) -> "Pictures":
        rows = [row for row, record in enumerate(self.data.records) if wanted(record)]
        part = Dataset(self.data.name, tuple(self.data.records[row] for row in rows))
        return Pictures(part, self.views.part(rows))

    @property
    def photos(self) -> list[int]:
        return [row for row, record in enumerate(self.data.records) if record.modality == PHOTO]


@dataclass(frozen=True)
class Material:
    seen: Pictures
    unseen: Pictures
    pairs: Pictures | None
    tuned: frozenset[str]
    # Rows of seen photos, in the order in which they are mixed into galleries.
    others: tuple[int, ...]

    @property
    def digest(self) -> str:
        parts = [self.seen, self.unseen, *([self.pairs] if self.pairs else [])]
        return " ".join(data_digest(part.data) for part in parts)

    def to_tune(self) -> tuple[Pictures, Pictures]:
        """The seen pictures without the tuned labels, and those of the tuned labels."""
        return (
            self.seen.where(lambda record: record.label not in self.tuned),
            self.seen.where(lambda record: record.label in self.tuned),
        )


def gathered(
    whole: Dataset,
    splits: str,
    asked: str | None,
    paired: str | None,
    learner: Learner,
    recipe: Recipe,
    folder: Path,
    say: Say,
) -> Material:
    """Part the data, and prepare all of it; what was prepared before is used again.

    `asked` is the only set whose unseen labels are searched for, `paired` the set a third of whose pairs is held out.
    """
    seen, unseen = trained_on(whole, Part(splits, validated=asked))
    if unseen is None or not unseen.of(SKETCH) or not unseen.of(PHOTO):
        raise DataProblem(f"{whole.name}: no sketches and photos of unseen labels; give other --splits")
    pairs = None
    if paired is not None:
        held = whole.where(lambda record: record.set == paired and _held_out(record))
        if not {r.pair for r in held.of(SKETCH)} & {r.pair for r in held.of(PHOTO)}:
            raise DataProblem(f"{whole.name}: the set {paired!r} has no drawings with their own photos")
        held_out = frozenset(held.records)
        seen = seen.where(lambda record: record not in held_out)
        pairs = _prepared(held, learner, recipe, folder / "pairs.f16", say, plain=True)
    shown = _prepared(seen, learner, recipe, folder / "seen.f16", say)
    shown.views.remember()
    rows = {record: row for row, record in enumerate(seen.records) if record.modality == PHOTO}
    return Material(
        shown,
        _prepared(unseen, learner, recipe, folder / "unseen.f16", say, plain=True),
        pairs,
        frozenset(_some(seen)),
        tuple(rows[record] for record in in_order(rows)[:LARGE]),
    )


def _some(seen: Dataset) -> Sequence[str]:
    """Labels with both drawings and photos; always the same of the same data."""
    both = {record.label for record in seen.of(SKETCH)} & {record.label for record in seen.of(PHOTO)}
    if len(both) < 4:
        raise DataProblem(f"{seen.name}: rates are chosen on seen labels held out; {len(both)} are too few")
    tenth = a_tenth(seen.subset(both))
    shuffled = sorted(tenth, key=lambda label: hashlib.sha256(key(label).encode()).digest())
    return shuffled[:TUNED]


def _held_out(record: Record) -> bool:
    return int(hashlib.sha256((record.pair or "").encode()).hexdigest(), 16) % 3 == 0


def _prepared(
    data: Dataset, learner: Learner, recipe: Recipe, file: Path, say: Say, *, plain: bool = False
) -> Pictures:
    views = Views(data.records, learner, size=recipe.size, per_record=1 if plain else recipe.views, seed=0)
    say(f"preparing {len(data)} images for {file.name}")
    views.cache(file, every_tenth(say))
    return Pictures(data, views)
