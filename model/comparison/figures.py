"""The figures of one cell: how well its vectors find what training never saw, in a small and in a large gallery."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from model.comparison.material import Material
from model.comparison.vectors import Found
from model.data.datasets import PHOTO, Dataset
from model.evaluation.bootstrap import intervals
from model.evaluation.metrics import Measured
from model.evaluation.ranking import Ranker, inner_product
from model.evaluation.tasks import Question
from model.modality import Modality, Vectors

# Columns of the table by where they are measured, and the figures they show.
SMALL: Mapping[str, str] = {"mAP": "mAP@all", "first": "first_hit", "hit@5": "hit@5"}
LARGE: Mapping[str, str] = {"large first": "first_hit", "large hit@5": "hit@5", "large mAP@200": "mAP@200"}
OWN: Mapping[str, str] = {"own@1": "first_hit", "own@5": "hit@5"}
PAIRS: Mapping[str, str] = {"pair@1": "first_hit", "pair@5": "hit@5"}
TEXT: Mapping[str, str] = {"text mAP": "mAP@all"}
TEXT_LARGE: Mapping[str, str] = {"large text P@10": "P@10"}


@dataclass
class Figures:
    """Means by column, and their intervals over classes and queries."""

    means: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, columns: Mapping[str, str], found: Measured, question: Question) -> None:
        means = found.means()
        edges = intervals(found.per_query, question.classes, list(columns.values()))
        for column, name in columns.items():
            self.means[column] = round(means[name], 4)
            if name in edges:
                low, high = edges[name]
                self.intervals[column] = (round(low, 4), round(high, 4))

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measured(
    found: Found, material: Material, kinds: Mapping[str, str], ranker: Ranker = inner_product
) -> Figures:
    """All figures that the data allows; `kinds` says of each unseen label what its mAP is reported under, too."""
    figures = Figures()
    unseen = material.unseen.data
    small = _asked(found.unseen, unseen)
    alone = small.measured(ranker)
    figures.add(SMALL, alone, small)
    values = alone.per_query["mAP@all"]
    for kind in sorted({*kinds.values()}):
        part = values[[kinds.get(str(label)) == kind for label in small.classes]]
        if len(part) and not np.isnan(part).all():
            figures.means[f"mAP {kind}"] = round(float(np.nanmean(part)), 4)
    large = small.among(found.others)
    figures.add(LARGE, large.measured(ranker), large)
    if own := _own(found.unseen, unseen):
        figures.add(OWN, own.measured(ranker), own)
    if material.pairs is not None and (pairs := _own(found.pairs, material.pairs.data)):
        figures.add(PAIRS, pairs.measured(ranker), pairs)
    if len(found.texts):
        shown = _photos(unseen)
        names = np.array(unseen.labels)
        said = Question(found.texts, names, found.unseen[shown], small.shown, {Modality.TEXT: 1.0})
        figures.add(TEXT, said.measured(ranker), said)
        among = said.among(found.others)
        figures.add(TEXT_LARGE, among.measured(ranker), among)
    return figures


def in_small(found: Found, material: Material, ranker: Callable[[], Ranker]) -> Figures:
    """The figures of the small gallery alone; `ranker` makes one that ranks it once."""
    figures, data = Figures(), material.unseen.data
    small = _asked(found.unseen, data)
    figures.add(SMALL, small.measured(ranker()), small)
    # The ranker knows the rows of all drawings, not of some.
    if (own := _own(found.unseen, data)) and len(own.queries) == len(small.queries):
        figures.add(OWN, own.measured(ranker()), own)
    return figures


def among_seen(vectors: Vectors, data: Dataset, others: Vectors) -> float:
    """What rates are chosen by: mAP@200 of held-out labels among photos of other things."""
    question = _asked(vectors, data).among(others)
    return question.measured(inner_product).means()["mAP@200"]


def asked(data: Dataset) -> np.ndarray:
    """Which rows are drawings."""
    return np.array([record.modality != PHOTO for record in data.records])


def _photos(data: Dataset) -> np.ndarray:
    return ~asked(data)


def _asked(vectors: Vectors, data: Dataset) -> Question:
    labels = np.array([record.label for record in data.records])
    drawn, shown = asked(data), _photos(data)
    return Question(vectors[drawn], labels[drawn], vectors[shown], labels[shown], {Modality.SKETCH: 1.0})


def _own(vectors: Vectors, data: Dataset) -> Question | None:
    """Each drawing searches for the photo it was made from, among all photos; None if no drawing has one."""
    pairs = np.array([f"{record.set}\0{record.pair}" for record in data.records])
    paired = np.array([record.pair is not None for record in data.records])
    drawn, shown = asked(data) & paired, _photos(data)
    if not np.isin(pairs[drawn], pairs[shown]).any():
        return None
    labels = np.array([record.label for record in data.records])
    return Question(
        vectors[drawn],
        labels[drawn],
        vectors[shown],
        labels[shown],
        {Modality.SKETCH: 1.0},
        own=(pairs[drawn], pairs[shown]),
    )
