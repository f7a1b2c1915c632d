"""How well a model retrieves: six tasks on one set of vectors, and the same among photos of other things.

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

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED
from model.data.labels import key
from model.evaluation.bootstrap import intervals
from model.evaluation.embedding import Embedded, Vectors
from model.evaluation.metrics import Measured, accuracy, measure
from model.evaluation.ranking import Ranker, Shares, inner_product
from model.evaluation.report import LIBRARY, Evaluation, LibraryRow, Row
from model.modality import Modality

Names = NDArray[np.str_]

CUTOFFS = (100, 200)
# The label of photos of other things, which no class and no photo of a sketch can have.
OTHER = "/"


class CannotAsk(Exception):
    """The data does not allow a task; the message is the reason."""


@dataclass(frozen=True)
class Question:
    """What a task asks: queries of these classes, in a gallery of photos of these classes."""

    # Unit vectors, or sums of them: the length of a sum says how much each part counts once it is scaled to 1.
    queries: Vectors
    classes: Names
    gallery: Vectors
    shown: Names
    made_of: Shares
    # The place of each query in the gallery, where it is not to be found.
    itself: NDArray[np.integer] | None = None
    # Fine-grained: the photo that each query was drawn from, and the name of each photo.
    own: tuple[Names, Names] | None = None

    def among(self, others: Vectors) -> "Question":
        """The same with photos of other things. They come first, so that equal scores do not flatter the model."""
        names = np.full(len(others), OTHER)
        return replace(
            self,
            gallery=np.concatenate([others, self.gallery]),
            shown=np.concatenate([names, self.shown]),
            itself=None if self.itself is None else self.itself + len(others),
            own=None if self.own is None else (self.own[0], np.concatenate([names, self.own[1]])),
        )

    def measured(self, ranker: Ranker) -> Measured:
        """Every figure for every query. In the fine-grained task, only a sketch's own photo is right."""
        return measure(
            self.queries,
            self.gallery,
            *(self.own or (self.classes, self.shown)),
            cutoffs=CUTOFFS,
            itself=self.itself,
            ranker=ranker,
            made_of=self.made_of,
        )

    def row(self, task: str, found: Measured, ranker: Ranker) -> Row:
        if self.own is None:
            return Row(task, found.queries, found.gallery, found.unanswerable, found.means())
        vectors = (self.queries, self.gallery)
        how: dict[str, Any] = {"ranker": ranker, "made_of": self.made_of}
        inside = accuracy(*vectors, *self.own, within=(self.classes, self.shown), **how)
        across = accuracy(*vectors, *self.own, **how)
        figures = {f"{name} within": value for name, value in inside.items()}
        figures |= {f"{name} across": value for name, value in across.items()}
        return Row(task, found.queries, found.gallery, found.unanswerable, figures)


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
        others = embedded.distractors
        self.others = np.empty((0, self.vectors.shape[1]), np.float32) if others is None else others.vectors
        mixed_in = set() if others is None else {record.path for record in others.data.records}
        seen = self.photos & ~self.unseen
        self.overlap = any(records[place].path in mixed_in for place in np.flatnonzero(seen))

    def zero_shot(self) -> Question:
        return self._asked(self.sketches, self.photos & self.unseen, {Modality.SKETCH: 1.0})

    def generalised(self) -> Question:
        if not (self.photos & ~self.unseen).any():
            raise CannotAsk("there are no photos of seen classes")
        return self._asked(self.sketches, self.photos, {Modality.SKETCH: 1.0})

    def fine_grained(self) -> Question:
        asked, shown = self.paired_sketches, self.paired_photos
        own = (self.pairs[asked], self.pairs[shown])
        if not np.isin(*own).any():
            raise CannotAsk("no sketch has its own photo")
        return replace(self._asked(asked, shown, {Modality.SKETCH: 1.0}), own=own)

    def text_to_photo(self) -> Question:
        names = np.unique(self.labels[self.unseen])
        return self._question(self._words(names), names, self.photos & self.unseen, {Modality.TEXT: 1.0})

    def photo_to_photo(self) -> Question:
        asked = self.photos & self.unseen
        itself = np.arange(int(asked.sum()))
        return replace(self._asked(asked, asked, {Modality.PHOTO: 1.0}), itself=itself)

    def sketch_and_text(self) -> Question:
        labels = self.labels[self.sketches]
        mixed = (1 - self.mix) * self.vectors[self.sketches] + self.mix * self._words(labels)
        made_of = {Modality.SKETCH: 1 - self.mix, Modality.TEXT: self.mix}
        return self._question(mixed, labels, self.photos & self.unseen, made_of)

    def _asked(self, asked: NDArray[np.bool_], gallery: NDArray[np.bool_], made_of: Shares) -> Question:
        return self._question(self.vectors[asked], self.labels[asked], gallery, made_of)

    def _question(
        self, queries: Vectors, classes: Names, gallery: NDArray[np.bool_], made_of: Shares
    ) -> Question:
        if not len(queries) or not gallery.any():
            raise CannotAsk(f"there are {len(queries)} queries and {int(gallery.sum())} photos")
        return Question(queries, classes, self.vectors[gallery], self.labels[gallery], made_of)

    def _words(self, labels: Names) -> Vectors:
        if not self.embedded.texts:
            raise CannotAsk("this model has no text tower")
        return np.array([self.embedded.texts[str(label)] for label in labels], dtype=np.float32)


TASKS: Mapping[str, Callable[[Questions], Question]] = {
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
    ranker: Ranker = inner_product,
    counts: Sequence[int] = (),
) -> Evaluation:
    """Run each task. Without `unseen`, all labels are unseen; `mix` is the share of the words in sketch+text.

    If distractors were embedded, each task is repeated with the first so many of them in its gallery, per `counts`.
    """
    wanted = None if unseen is None else tuple(unseen)
    part = embedded.data if wanted is None else embedded.data.subset(wanted)
    questions = Questions(embedded, wanted, mix)
    rows: list[Row] = []
    library: list[LibraryRow] = []
    skipped: dict[str, str] = {}
    by_label: dict[str, float] = {}
    for task in tasks:
        try:
            question = TASKS[task](questions)
            found = question.measured(ranker)
            if found.unanswerable == found.queries:
                raise CannotAsk("no query has a matching photo in the gallery")
        except CannotAsk as reason:
            skipped[task] = str(reason)
            continue
        if task == "zero-shot":
            by_label = _label_means(found, question.classes)
        rows.append(question.row(task, found, ranker))
        # Photos that are in the gallery anyway are not put there twice.
        if not (task == "generalised" and questions.overlap):
            library += _in_library(task, question, questions.others, counts, ranker)
    remarks = _remarks(questions, wanted, part.labels, rows, library)
    others = embedded.distractors.data.records if embedded.distractors else ()
    return Evaluation(
        model,
        embedded.data.name,
        part.labels,
        tuple(rows),
        by_label,
        skipped,
        tuple(remarks),
        tuple(library),
        dict(Counter(record.set for record in others)),
    )


def _in_library(
    task: str, question: Question, others: Vectors, counts: Sequence[int], ranker: Ranker
) -> list[LibraryRow]:
    """One row for each number of distractors, or for all of them if there are fewer."""
    rows = []
    for count in sorted({min(count, len(others)) for count in counts}):
        found = question.among(others[:count]).measured(ranker)
        means = found.means()
        rows.append(
            LibraryRow(
                task,
                found.queries,
                found.gallery,
                found.unanswerable,
                {name: means[name] for name in LIBRARY},
                distractors=count,
                intervals=intervals(found.per_query, question.classes, LIBRARY),
            )
        )
    return rows


def _remarks(
    questions: Questions,
    wanted: Sequence[str] | None,
    present: Sequence[str],
    rows: Sequence[Row],
    library: Sequence[LibraryRow],
) -> list[str]:
    remarks = [*questions.embedded.remarks]
    if questions.unrecognized:
        remarks.append(f"{questions.unrecognized} unrecognized drawings were left out")
    if wanted is not None and (absent := {key(label) for label in wanted} - {*map(key, present)}):
        remarks.append(f"{len(absent)} of the {len(wanted)} unseen classes are not in this data")
    remarks += [
        f"{row.task}: {row.unanswerable} queries have no matching photo" for row in rows if row.unanswerable
    ]
    if questions.embedded.distractors is not None:
        remarks += questions.embedded.distractors.remarks
    if questions.overlap and any(row.task == "generalised" for row in rows):
        remarks.append("generalised: its gallery holds some of the other photos already, so none were added")
    if library and len(present) == 1:
        remarks.append("there is only one class: the intervals cover its queries, not other classes")
    return remarks


def _label_means(found: Measured, labels: Names) -> dict[str, float]:
    """mAP@all of each class."""
    values = found.per_query["mAP@all"]
    means = {str(label): values[labels == label] for label in np.unique(labels)}
    return {label: float(part.mean()) for label, part in means.items() if not np.isnan(part).any()}


def spread(asked: NDArray[np.intp], labels: Names, rows: int, seed: int) -> list[int]:
    """Choose queries of as many different classes as possible, before any class appears twice."""
    shuffled = np.random.default_rng(seed).permutation(asked)
    turn: dict[str, int] = {}
    order: list[tuple[int, int]] = []
    for place in shuffled:
        label = str(labels[place])
        turn[label] = turn.get(label, -1) + 1
        order.append((turn[label], int(place)))
    # Python's sort is stable: within a round the shuffled order stays.
    return [place for _, place in sorted(order, key=lambda item: item[0])[:rows]]
