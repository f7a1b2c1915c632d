"""How well a model retrieves: six tasks on one set of vectors, as JSON and as a Markdown table.

| task | queries | gallery |
| --- | --- | --- |
| zero-shot | sketches of unseen classes | photos of unseen classes |
| generalised | sketches of unseen classes | all photos, including those of seen classes |
| fine-grained | sketches that have a photo of their own | the photos that sketches were drawn from |
| text-to-photo | one name for each unseen class | photos of unseen classes |
| photo-to-photo | photos of unseen classes | the other photos of unseen classes |
| sketch+text | each sketch with its class's name | photos of unseen classes |

A photo of the query's class is right; in the fine-grained task only its own photo. Drawings that are noted
as unrecognized are not used as queries. Tasks that the data does not allow are listed with the reason.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED
from model.data.labels import key
from model.evaluation.embedding import Embedded, Vectors
from model.evaluation.metrics import Measured, accuracy, measure

CUTOFFS = (100, 200)
MAIN = ("mAP@all", "mAP@200", "P@100", "P@200", "first_hit", "hit@5")
BESIDE = (
    "mAP@all_voc",
    "mAP@200_voc",
    "mAP@200_lenient",
    "P@100_plain",
    "P@200_plain",
    "hit@10",
    "first_rank",
)


class CannotAsk(Exception):
    """The data does not allow a task; the message is the reason."""


@dataclass(frozen=True)
class Row:
    """The result of one task: the numbers of queries and photos, and the figures."""

    task: str
    queries: int
    gallery: int
    unanswerable: int
    figures: Mapping[str, float]
    # Which vectors were used, if a report compares several (see model/evaluation/baselines.py).
    vectors: str = ""


@dataclass(frozen=True)
class Evaluation:
    model: str
    data: str
    unseen: tuple[str, ...]
    rows: tuple[Row, ...]
    by_label: Mapping[str, float] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def row(self, task: str, vectors: str | None = None) -> Row:
        return next(row for row in self.rows if row.task == task and vectors in (None, row.vectors))

    def json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """Write the main figures, then the same in other papers' conventions, then remarks."""
        ranked = [row for row in self.rows if "mAP@all" in row.figures]
        paired = [row for row in self.rows if "mAP@all" not in row.figures]
        parts = [f"## {self.model} on {self.data}, {len(self.unseen)} unseen classes", _table(ranked, MAIN)]
        if paired:
            parts.append(_table(paired, tuple(paired[0].figures)))
        parts += ["In other conventions (see `model/evaluation/metrics.py`):", _table(ranked, BESIDE)]
        if self.by_label:
            worst = sorted(self.by_label.items(), key=lambda item: item[1])[:5]
            parts.append("Weakest classes: " + ", ".join(f"{label} {value:.3f}" for label, value in worst))
        parts += [f"- {task}: skipped, {reason}" for task, reason in self.skipped.items()]
        parts += [f"- {remark}" for remark in self.remarks]
        return "\n\n".join(part for part in parts if part) + "\n"

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evaluation.json").write_text(self.json(), encoding="utf-8")
        (folder / "evaluation.md").write_text(self.markdown(), encoding="utf-8")


def _table(rows: Collection[Row], names: tuple[str, ...]) -> str:
    if not rows:
        return ""
    compared = any(row.vectors for row in rows)
    heads = [
        "task",
        *["vectors"] * compared,
        "queries",
        "gallery",
        *(name.replace("_", " ") for name in names),
    ]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for row in rows:
        cells = [
            "" if name not in row.figures else f"{row.figures[name]:.{0 if name == 'first_rank' else 3}f}"
            for name in names
        ]
        what = [row.task, *[row.vectors] * compared, str(row.queries), str(row.gallery)]
        lines.append("| " + " | ".join((*what, *cells)) + " |")
    return "\n".join(lines)


class Questions:
    """The arrays that all tasks share; each task is a method."""

    def __init__(self, embedded: Embedded, unseen: Collection[str] | None, mix: float) -> None:
        records = embedded.data.records
        wanted = None if unseen is None else {key(label) for label in unseen}
        self.embedded, self.mix = embedded, mix
        self.vectors = embedded.vectors
        self.labels = np.array([record.label for record in records])
        self.pairs = np.array([f"{record.set}\0{record.pair}" for record in records])
        self.unseen = np.array([wanted is None or key(record.label) in wanted for record in records])
        paired = np.array([record.pair is not None for record in records])
        known = np.array([record.note != UNRECOGNIZED for record in records])
        modality = np.array([record.modality for record in records])
        self.photos = modality == PHOTO
        self.sketches = (modality == SKETCH) & self.unseen & known
        self.unrecognized = int(((modality == SKETCH) & self.unseen & ~known).sum())
        self.paired_sketches = self.sketches & paired
        self.paired_photos = self.photos & self.unseen & paired

    def zero_shot(self) -> Measured:
        return self._ranked(
            self.vectors[self.sketches], self.labels[self.sketches], self.photos & self.unseen
        )

    def generalised(self) -> Measured:
        if not (self.photos & ~self.unseen).any():
            raise CannotAsk("there are no photos of seen classes")
        return self._ranked(self.vectors[self.sketches], self.labels[self.sketches], self.photos)

    def text_to_photo(self) -> Measured:
        names = np.unique(self.labels[self.unseen])
        return self._ranked(self._words(names), names, self.photos & self.unseen)

    def photo_to_photo(self) -> Measured:
        asked = self.photos & self.unseen
        itself = np.arange(int(asked.sum()))
        return self._ranked(self.vectors[asked], self.labels[asked], asked, itself)

    def sketch_and_text(self) -> Measured:
        labels = self.labels[self.sketches]
        mixed = (1 - self.mix) * self.vectors[self.sketches] + self.mix * self._words(labels)
        return self._ranked(mixed, labels, self.photos & self.unseen)

    def fine_grained(self) -> Row:
        asked, shown = self.paired_sketches, self.paired_photos
        pairs = (self.pairs[asked], self.pairs[shown])
        lost = int((~np.isin(*pairs)).sum())
        if lost == len(pairs[0]):
            raise CannotAsk("no sketch has its own photo")
        vectors = (self.vectors[asked], self.vectors[shown])
        inside = accuracy(*vectors, *pairs, within=(self.labels[asked], self.labels[shown]))
        across = accuracy(*vectors, *pairs)
        figures = {f"{name} within": value for name, value in inside.items()}
        figures |= {f"{name} across": value for name, value in across.items()}
        return Row("fine-grained", len(pairs[0]), len(pairs[1]), lost, figures)

    def _ranked(
        self,
        queries: Vectors,
        labels: NDArray[np.str_],
        gallery: NDArray[np.bool_],
        itself: NDArray[np.integer] | None = None,
    ) -> Measured:
        if not len(queries) or not gallery.any():
            raise CannotAsk(f"there are {len(queries)} queries and {int(gallery.sum())} photos")
        found = measure(
            queries, self.vectors[gallery], labels, self.labels[gallery], cutoffs=CUTOFFS, itself=itself
        )
        if found.unanswerable == found.queries:
            raise CannotAsk("no query has a matching photo in the gallery")
        return found

    def _words(self, labels: NDArray[np.str_]) -> Vectors:
        if not self.embedded.texts:
            raise CannotAsk("this model has no text tower")
        return np.array([self.embedded.texts[str(label)] for label in labels], dtype=np.float32)


TASKS: Mapping[str, Callable[[Questions], Measured | Row]] = {
    "zero-shot": Questions.zero_shot,
    "generalised": Questions.generalised,
    "fine-grained": Questions.fine_grained,
    "text-to-photo": Questions.text_to_photo,
    "photo-to-photo": Questions.photo_to_photo,
    "sketch+text": Questions.sketch_and_text,
}


def evaluate(
    embedded: Embedded,
    unseen: Iterable[str] | None = None,
    *,
    model: str,
    tasks: Collection[str] = tuple(TASKS),
    mix: float = 0.5,
) -> Evaluation:
    """Run each task. Without `unseen`, all labels are unseen; `mix` is the share of the words in sketch+text."""
    wanted = None if unseen is None else tuple(unseen)
    part = embedded.data if wanted is None else embedded.data.subset(wanted)
    questions = Questions(embedded, wanted, mix)
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    by_label: dict[str, float] = {}
    for task in tasks:
        try:
            found = TASKS[task](questions)
        except CannotAsk as reason:
            skipped[task] = str(reason)
            continue
        if isinstance(found, Measured):
            if task == "zero-shot":
                by_label = _label_means(found, questions.labels[questions.sketches])
            found = Row(task, found.queries, found.gallery, found.unanswerable, found.means())
        rows.append(found)
    remarks = [*embedded.remarks]
    if questions.unrecognized:
        remarks.append(f"{questions.unrecognized} unrecognized drawings were left out")
    if wanted is not None and (absent := {key(label) for label in wanted} - {*map(key, part.labels)}):
        remarks.append(f"{len(absent)} of the {len(wanted)} unseen classes are not in this data")
    remarks += [
        f"{row.task}: {row.unanswerable} queries have no matching photo" for row in rows if row.unanswerable
    ]
    return Evaluation(model, embedded.data.name, part.labels, tuple(rows), by_label, skipped, tuple(remarks))


def _label_means(found: Measured, labels: NDArray[np.str_]) -> dict[str, float]:
    """mAP@all of each class."""
    values = found.per_query["mAP@all"]
    means = {str(label): values[labels == label] for label in np.unique(labels)}
    return {label: float(part.mean()) for label, part in means.items() if not np.isnan(part).any()}
