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
from model.training.views import Variety, Views, every_tenth

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

    def to_tune(self) -> tuple[Pictures, Pictures]:
        """The seen pictures without the tuned labels, and those of the tuned labels."""
        return (
            self.seen.where(lambda record: record.label not in self.tuned),
            self.seen.where(lambda record: record.label in self.tuned),
        )


@dataclass(frozen=True)
class Parts:
    """The same parts before their pictures are prepared."""

    seen: Dataset
    unseen: Dataset
    pairs: Dataset | None
    tuned: frozenset[str]

    @property
    def digest(self) -> str:
        return " ".join(
            data_digest(part) for part in (self.seen, self.unseen, self.pairs) if part is not None
        )


def parted(whole: Dataset, splits: str, asked: str | None, paired: str | None) -> Parts:
    """Part the data.

    `asked` is the only set whose unseen labels are searched for, `paired` the set a third of whose pairs is held out.
    """
    for option, name in (("--on", asked), ("--pairs", paired)):
        if name is not None and name not in (sets := {record.set for record in whole.records}):
            raise DataProblem(
                f"{option} {name}: {whole.name} has no such set; it has {', '.join(sorted(sets))}"
            )
    seen, unseen = trained_on(whole, Part(splits, validated=asked))
    if unseen is None or not unseen.of(SKETCH) or not unseen.of(PHOTO):
        where = f" in the set {asked}" if asked else ""
        raise DataProblem(
            f"{whole.name}: no sketches and photos of unseen labels{where}; give other --splits"
        )
    held = None
    if paired is not None:
        held = whole.where(lambda record: record.set == paired and held_out(record))
        if not {r.pair for r in held.of(SKETCH)} & {r.pair for r in held.of(PHOTO)}:
            raise DataProblem(f"{whole.name}: the set {paired!r} has no drawings with their own photos")
        never = frozenset(held.records)
        seen = seen.where(lambda record: record not in never)
    return Parts(seen, unseen, held, frozenset(_some(seen)))


def gathered(parts: Parts, learner: Learner, recipe: Recipe, folder: Path, say: Say) -> Material:
    """Prepare all parts; what was prepared before is used again."""
    pairs = None
    if parts.pairs is not None:
        pairs = _prepared(parts.pairs, learner, recipe, folder / "pairs.f16", say, plain=True)
    shown = _prepared(parts.seen, learner, recipe, folder / "seen.f16", say)
    shown.views.remember()
    rows = {record: row for row, record in enumerate(parts.seen.records) if record.modality == PHOTO}
    return Material(
        shown,
        _prepared(parts.unseen, learner, recipe, folder / "unseen.f16", say, plain=True),
        pairs,
        parts.tuned,
        tuple(rows[record] for record in in_order(rows)[:LARGE]),
    )


def _some(seen: Dataset) -> Sequence[str]:
    """Labels with both drawings and photos; always the same of the same data."""
    both = {record.label for record in seen.of(SKETCH)} & {record.label for record in seen.of(PHOTO)}
    if len(both) < 4:
        raise DataProblem(
            f"{seen.name}: {len(both)} seen labels have both sketches and photos, and it takes four, as rates are "
            "chosen on some of them held out: add labels, or give --splits with fewer unseen ones"
        )
    tenth = a_tenth(seen.subset(both))
    shuffled = sorted(tenth, key=lambda label: hashlib.sha256(key(label).encode()).digest())
    return shuffled[:TUNED]


def held_out(record: Record) -> bool:
    """Whether its pair is of the third that methods are measured on and never trained on."""
    return int(hashlib.sha256((record.pair or "").encode()).hexdigest(), 16) % 3 == 0


def _prepared(
    data: Dataset, learner: Learner, recipe: Recipe, file: Path, say: Say, *, plain: bool = False
) -> Pictures:
    variety = Variety(recipe.variations == "rich")
    per_record = 1 if plain else recipe.views
    views = Views(data.records, learner, size=recipe.size, per_record=per_record, seed=0, variety=variety)
    say(f"preparing {len(data)} images for {file.name}")
    views.cache(file, every_tenth(say))
    return Pictures(data, views)
