"""What `sketchseek evaluate` measures on: data, its unseen classes, the images that tasks need, and other photos."""

from collections.abc import Collection
from pathlib import Path

import click

from model import SketchseekError
from model.data.benchmarks import open_dataset
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record, read_labels
from model.data.labels import key
from model.data.splits import find_split, parted
from model.evaluation.distractors import Source, counts_of, find

WITHOUT_SKETCHES = ("text-to-photo", "photo-to-photo")


def read(
    path: Path, root: Path | None, sets: Collection[str], splits: str | None, unseen: str | None
) -> tuple[Dataset, tuple[str, ...] | None]:
    """The data and its unseen labels, None if all are unseen."""
    if splits is None:
        if unseen is not None:
            raise SketchseekError(f"--unseen {unseen} is a list in a file: name the file with --splits")
        data = open_dataset(path, root, sets or None)
        return data, None
    if splits.endswith(".json") or Path(splits).is_file():
        labels = _listed(Path(splits), unseen)
        data = open_dataset(path, root, sets or None)
        data.subset(labels)
        return data, labels
    split = find_split(splits)
    if unseen is not None:
        raise SketchseekError(f"the published split {splits} is one list: leave --unseen out")
    data = open_dataset(path, root, sets or None, originals=split.originals)
    parted(data, split)
    return data, split.unseen


def _listed(file: Path, name: str | None) -> tuple[str, ...]:
    lists = read_labels(file)
    if name is None and len(lists) == 1:
        return next(iter(lists.values()))
    if name not in lists:
        what = "choose one with --unseen" if name is None else f"no list is called {name!r}"
        raise DataProblem(f"{file}: {what}; it has {', '.join(lists) or 'none'}")
    return lists[name]


def needed(data: Dataset, unseen: Collection[str] | None, tasks: Collection[str]) -> Dataset:
    """The images the tasks need: seen classes only as photos, and only if they serve as distractors."""
    for remark in data.remarks:
        click.echo(remark, err=True)
    part = data if unseen is None else data.subset(unseen)
    sketches, photos = len(part.of(SKETCH)), len(part.of(PHOTO))
    drawn = [task for task in tasks if task not in WITHOUT_SKETCHES]
    if drawn and not sketches:
        raise DataProblem(
            f"{data.name} has no sketches of the unseen classes (0 sketches, {photos} photos), which "
            f"{drawn[0]} needs: add some, or run only --tasks {','.join(WITHOUT_SKETCHES)}"
        )
    if not photos:
        raise DataProblem(f"{data.name} has no photos of the unseen classes ({sketches} sketches, 0 photos)")
    if unseen is None or "generalised" not in tasks:
        kept = part
    else:
        names = {key(label) for label in unseen}
        kept = data.where(lambda record: record.modality == PHOTO or key(record.label) in names)
    return kept if drawn else kept.where(lambda record: record.modality == PHOTO)


def others_of(
    names: tuple[str, ...], counts: str | None, source: Source
) -> tuple[tuple[Record, ...], tuple[int, ...]]:
    """The photos of other classes, and how many of them to mix in; nothing if none were asked for."""
    if not names:
        if counts is not None:
            raise SketchseekError("--distractor-counts needs --distractors SET or FOLDER")
        return (), ()
    found = find(names, source)
    return found, counts_of(counts, len(found))
