"""The report of an evaluation: a row for each task, the same tasks among photos of other things, JSON and Markdown."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from model.evaluation.bootstrap import Interval

MAIN = ("mAP@all", "mAP@200", "P@100", "P@200", "first_hit", "hit@5", "P@10")
BESIDE = (
    "mAP@all_voc",
    "mAP@200_voc",
    "mAP@200_lenient",
    "P@100_plain",
    "P@200_plain",
    "hit@10",
    "first_rank",
)
LIBRARY = ("mAP@200", "first_hit", "hit@5", "hit@10", "P@10", "mAP@all")


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
class LibraryRow(Row):
    """The result of one task with so many `distractors` in its gallery; `intervals` as in bootstrap.py."""

    distractors: int = 0
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class PhotoRow:
    """Drawings explained with one kind of photo: the means over them."""

    photo: str
    pairs: int
    score: float
    # How well the parts of the drawing fit their matches, and the collage made of these the drawing.
    strength: float
    collage: float
    # Median distance of a part from its match, as a share of the side.
    distance: float


@dataclass(frozen=True)
class RemovedRow:
    """How far the score falls without parts of the photo: a fixed number of them, and the mean over several numbers."""

    parts: str
    fall: float
    area: float


@dataclass(frozen=True)
class Explanations:
    """What became of explanations that were put to the test (honesty.py)."""

    drawings: int
    photos: tuple[PhotoRow, ...]
    chance: float
    removed: tuple[RemovedRow, ...]
    # How many parts `fall` is without, and up to how many `area` covers.
    count: int
    most: int
    # For which share of the drawings the parts that add most cost more than random ones.
    worse: float
    # How many explanations were the same, byte for byte, when they were made again.
    same: int

    def markdown(self) -> str:
        photos = [
            [row.photo, str(row.pairs), *map(short, (row.score, row.strength, row.collage, row.distance))]
            for row in self.photos
        ]
        photos.append(["a part at random", "", "", "", "", short(self.chance)])
        removed = [[row.parts, short(row.fall), short(row.area)] for row in self.removed]
        heads = ["photo", "pairs", "score", "fit of parts", "collage fits drawing", "distance of match"]
        return "\n\n".join(
            (
                f"Explanations of {self.drawings} drawings:",
                markdown_table(heads, photos),
                markdown_table(
                    [
                        "parts taken out of the photo",
                        f"fall without {self.count}",
                        f"mean fall without 1 to {self.most}",
                    ],
                    removed,
                ),
                f"- without the {self.count} parts that add most, the score falls more than without random ones "
                f"for {self.worse:.0%} of the drawings",
                f"- made again, {self.same} of {self.drawings} explanations are the same, byte for byte",
            )
        )


@dataclass(frozen=True)
class Evaluation:
    model: str
    data: str
    unseen: tuple[str, ...]
    rows: tuple[Row, ...]
    by_label: Mapping[str, float] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    library: tuple[LibraryRow, ...] = ()
    # How many photos of other things each set or folder gave.
    distractors: Mapping[str, int] = field(default_factory=dict)
    explanations: Explanations | None = None

    def row(self, task: str, vectors: str | None = None) -> Row:
        return next(row for row in self.rows if row.task == task and vectors in (None, row.vectors))

    def json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """Write the main figures, then those in a library and in other papers' conventions, then remarks."""
        ranked = [row for row in self.rows if "mAP@all" in row.figures]
        paired = [row for row in self.rows if "mAP@all" not in row.figures]
        parts = [f"## {self.model} on {self.data}, {len(self.unseen)} unseen classes", _table(ranked, MAIN)]
        if paired:
            parts.append(_table(paired, tuple(paired[0].figures)))
        if self.library:
            parts += ["Among photos of other classes, with 95 % intervals:", _library_table(self.library)]
        if ranked:
            parts += ["In other conventions (see `model/evaluation/metrics.py`):", _table(ranked, BESIDE)]
        if self.explanations is not None:
            parts.append(self.explanations.markdown())
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


def _table(rows: Collection[Row], names: Sequence[str]) -> str:
    if not rows:
        return ""
    compared = any(row.vectors for row in rows)
    heads = ["task", *["vectors"] * compared, "queries", "gallery"]
    lines = []
    for row in rows:
        cells = [
            "" if name not in row.figures else f"{row.figures[name]:.{0 if name == 'first_rank' else 3}f}"
            for name in names
        ]
        lines.append([row.task, *[row.vectors] * compared, str(row.queries), str(row.gallery), *cells])
    return markdown_table([*heads, *spoken(names)], lines)


def _library_table(rows: Collection[LibraryRow]) -> str:
    compared = any(row.vectors for row in rows)
    heads = ["task", *["vectors"] * compared, "distractors", "queries", "gallery", *spoken(LIBRARY)]
    lines = [
        [
            row.task,
            *[row.vectors] * compared,
            *map(str, (row.distractors, row.queries, row.gallery)),
            *(_with_interval(row, name) for name in LIBRARY),
        ]
        for row in rows
    ]
    return markdown_table(heads, lines)


def _with_interval(row: LibraryRow, name: str) -> str:
    if name not in row.intervals:
        return short(row.figures[name])
    return f"{short(row.figures[name])} [{', '.join(map(short, row.intervals[name]))}]"


def short(value: float) -> str:
    """A figure as tables have it: .123."""
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def spoken(names: Sequence[str]) -> list[str]:
    """Names of figures as heads of columns."""
    return [name.replace("_", " ") for name in names]


def markdown_table(heads: Sequence[str], rows: Collection[Sequence[str]]) -> str:
    """Rows of cells under these heads."""
    head = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    return "\n".join([*head, *("| " + " | ".join(row) + " |" for row in rows)])
