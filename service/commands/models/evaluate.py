"""`sketchseek evaluate`: measure a model on your own data, as a table, JSON, and pictures."""

import sys
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from model import Encoder, SketchseekError
from model.data.benchmarks import open_dataset
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record, read_labels
from model.data.labels import key
from model.data.splits import find_split, parted
from model.evaluation.baselines import MEAN, RAW, STRIPPED, compared, mean_stripped, ranked_by, stripped
from model.evaluation.distractors import Source, counts_of, embed_distractors, find
from model.evaluation.embedding import Embedded, OnProgress, embed
from model.evaluation.ranking import inner_product
from model.evaluation.report import Evaluation
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import TASKS, evaluate
from model.rerankers import RERANKERS
from service.console.options import Place, model_options

WITHOUT_SKETCHES = ("text-to-photo", "photo-to-photo")


@click.command("evaluate")
@click.argument("data", type=Place())
@click.option("--root", type=Place(), help="Folder of the manifest's images.  [default: the manifest's own]")
@click.option(
    "--set", "sets", multiple=True, metavar="NAME", help="Use only this set of the manifest; repeatable."
)
@click.option(
    "--splits",
    metavar="FILE_OR_NAME",
    help="A JSON file with lists of labels, or the name of a published split.",
)
@click.option(
    "--unseen",
    metavar="KEY",
    help="Which list of the --splits file holds the unseen labels, if it has several.",
)
@click.option("--tasks", default=",".join(TASKS), show_default=True, help="Tasks to run, comma-separated.")
@click.option(
    "--compare",
    type=click.Choice(("raw", "mean")),
    multiple=True,
    help="Add a baseline: `raw` strips nothing, `mean` strips each modality's mean; repeatable.",
)
@click.option(
    "--rank",
    "ranks",
    type=click.Choice(RERANKERS.names),
    multiple=True,
    default=("plain",),
    show_default=True,
    help="Rank as searches with this order do; repeatable, for one row each.",
)
@click.option(
    "--distractors",
    multiple=True,
    metavar="SET|FOLDER",
    help="Repeat every task among photos of other classes: a set of DATA, `rest` (all of DATA), another manifest, "
    "or any folder; repeatable.",
)
@click.option(
    "--distractor-counts",
    metavar="N,N",
    help="How many of those photos to mix in, such as 0,1000,all.  [default: none, 1,000, and all]",
)
@click.option("--out", type=Place(), help="Folder for evaluation.json and evaluation.md.")
@click.option("--pictures", is_flag=True, help="Also draw the embedding space and sample results into --out.")
@model_options
def command(
    data: Path,
    root: Path | None,
    sets: tuple[str, ...],
    splits: str | None,
    unseen: str | None,
    tasks: str,
    compare: tuple[Literal["raw", "mean"], ...],
    ranks: tuple[str, ...],
    distractors: tuple[str, ...],
    distractor_counts: str | None,
    out: Path | None,
    pictures: bool,
    model: str,
    engine: str,
) -> None:
    """Measure how accurately a model finds photos in DATA.

    DATA is a manifest (.csv), a folder with photos/<class> and sketches/<class>, or the official layout of
    Sketchy-Ext, TU-Berlin-Ext or QuickDraw-Ext. Without --splits, every class counts as unseen.

    https://github.com/sketchseek/sketchseek/blob/main/docs/evaluation.md explains tasks and figures.
    """
    wanted = _tasks(tasks)
    _ready(out, pictures)
    collection, labels = _read(data, root, sets, splits, unseen)
    source = Source(data, root, collection, labels or collection.labels)
    others, counts = _others(distractors, distractor_counts, source)
    encoder = Encoder.load(model, engine=engine, in_bulk=True)
    raw = _embedded(encoder, _needed(collection, labels, wanted), others, max(counts, default=0))
    own = stripped(raw, encoder)
    answers = {ranked_by(name): (own, ranker_of(name, encoder)) for name in ranks}
    # The bank belongs to the model's own vectors, so baselines have no other order than that of their scores.
    answers |= {RAW: (raw, inner_product)} if "raw" in compare else {}
    answers |= {MEAN: (mean_stripped(raw), inner_product)} if "mean" in compare else {}
    reports = {
        name: evaluate(vectors, labels, model=encoder.card.name, tasks=wanted, ranker=ranker, counts=counts)
        for name, (vectors, ranker) in answers.items()
    }
    report = reports[STRIPPED] if [*reports] == [STRIPPED] else compared(reports)
    made_by = f"model fingerprint {encoder.fingerprint}, run by {encoder.engine.name}"
    report = replace(report, remarks=(*report.remarks, made_by))
    if not report.rows:
        task, reason = next(iter(report.skipped.items()))
        raise DataProblem(f"no task can run on this data; {task}: {reason}")
    click.echo(report.markdown(), nl=False)
    if out is not None:
        _save(report, raw, own, labels, out, pictures)


def _tasks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := [name for name in names if name not in TASKS]:
        raise SketchseekError(f"unknown task {unknown[0]!r}; choose from {', '.join(TASKS)}")
    if not names:
        raise SketchseekError(f"--tasks is empty; choose from {', '.join(TASKS)}")
    return tuple(dict.fromkeys(names))


def _ready(out: Path | None, pictures: bool) -> None:
    """Check what would otherwise fail only at the very end, after encoding the images."""
    if pictures and out is None:
        raise SketchseekError("--pictures needs --out FOLDER")
    if pictures:
        try:
            import model.evaluation.figures  # noqa: F401
        except ImportError as error:
            raise SketchseekError(
                f"--pictures needs matplotlib and scikit-learn ({error}): pip install matplotlib scikit-learn, "
                "or leave --pictures out"
            ) from None
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SketchseekError(f"--out {out}: cannot create the folder ({error.strerror})") from None


def _read(
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


def _needed(data: Dataset, unseen: Collection[str] | None, tasks: Collection[str]) -> Dataset:
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


def _others(
    names: tuple[str, ...], counts: str | None, source: Source
) -> tuple[tuple[Record, ...], tuple[int, ...]]:
    """The photos of other classes, and how many of them to mix in; nothing if none were asked for."""
    if not names:
        if counts is not None:
            raise SketchseekError("--distractor-counts needs --distractors SET or FOLDER")
        return (), ()
    found = find(names, source)
    return found, counts_of(counts, len(found))


def _embedded(encoder: Encoder, data: Dataset, others: tuple[Record, ...], most: int) -> Embedded:
    raw = _timed(
        encoder, len(data), lambda progress: embed(encoder.unstripped, data, progress=progress), "images"
    )
    if not most:
        return raw
    found = _timed(
        encoder,
        most,
        lambda progress: embed_distractors(encoder.unstripped, others, most, progress),
        "photos of other classes",
    )
    return replace(raw, distractors=found)


def _timed(
    encoder: Encoder, total: int, work: Callable[[OnProgress | None], Embedded], what: str
) -> Embedded:
    started = time.monotonic()
    if sys.stderr.isatty():
        with click.progressbar(length=total, label="encoding", file=sys.stderr, show_pos=True) as bar:
            found = work(lambda done, _: bar.update(done - bar.pos))
    else:
        found = work(None)
    seconds = time.monotonic() - started
    click.echo(
        f"encoded {total} {what} in {seconds:.0f} s ({total / seconds:.0f}/s, {encoder.engine.name})",
        err=True,
    )
    return found


def _save(
    report: Evaluation,
    raw: Embedded,
    own: Embedded,
    unseen: tuple[str, ...] | None,
    out: Path,
    pictures: bool,
) -> None:
    report.save(out)
    made = ["evaluation.json", "evaluation.md"]
    if pictures:
        from model.evaluation.figures import space_picture, zero_shot_sheet

        made += ["stripping.png"] * bool(space_picture(raw, own, out / "stripping.png", unseen=unseen))
        made += ["found.png"] * bool(zero_shot_sheet(own, out / "found.png", unseen=unseen))
    click.echo(f"{out}: {', '.join(made)}", err=True)
