"""`sketchseek evaluate`: measure a model on your own data, as a table, JSON, and pictures."""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from model import Encoder, SketchseekError
from model.data.datasets import DataProblem, Dataset, Record
from model.evaluation.baselines import MEAN, RAW, STRIPPED, compared, mean_stripped, ranked_by, stripped
from model.evaluation.distractors import Source, embed_distractors
from model.evaluation.embedding import Embedded, Encodes, OnProgress, embed
from model.evaluation.local_parts import KeptParts, numbered
from model.evaluation.ranking import Ranker, inner_product
from model.evaluation.report import Evaluation
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import TASKS, evaluate
from model.rerankers import RERANKERS, WITHOUT_PARTS, compares_parts
from service.commands.models.data import needed, others_of, read
from service.commands.models.pairs import (
    EXPLANATIONS,
    Asked,
    by_pairs,
    depth_of,
    explanations,
    match_picture,
    pair_scores_of,
    refuse_early,
    refuse_silent,
)
from service.console.options import Place, model_options
from service.model_choice import chosen_model


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
@click.option(
    "--tasks",
    default=",".join(TASKS),
    show_default=True,
    help="Tasks to run, comma-separated; `explanations` is one more, for models that explain pairs.",
)
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
    "--pairs",
    metavar="all|N",
    callback=depth_of,
    help="Also rank by the model's pair scores: `all` photos, or a number N for the N nearest of each drawing.",
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
    pairs: int | None,
    distractors: tuple[str, ...],
    distractor_counts: str | None,
    out: Path | None,
    pictures: bool,
    model: str | None,
    engine: str,
) -> None:
    """Measure how accurately a model finds photos in DATA.

    DATA is a manifest (.csv), a folder with photos/<class> and sketches/<class>, or the official layout of
    Sketchy-Ext, TU-Berlin-Ext or QuickDraw-Ext. Without --splits, every class counts as unseen.

    https://github.com/sketchseek/sketchseek/blob/main/docs/evaluation.md explains tasks and figures.
    """
    wanted, explained = _tasks(tasks)
    _ready(out, pictures)
    refuse_early(pairs, wanted)
    collection, labels = read(data, root, sets, splits, unseen)
    source = Source(data, root, collection, labels or collection.labels)
    others, counts = others_of(distractors, distractor_counts, source)
    model = chosen_model(model)
    encoder = Encoder.load(model, engine=engine, in_bulk=True)
    scores = pair_scores_of(encoder, model) if pairs is not None or explained else None
    if scores is not None and explained:
        refuse_silent(encoder, scores)
    asked = (*wanted, *("zero-shot",) * explained)
    in_parts = [name for name in ranks if compares_parts(RERANKERS.load(name)(encoder))]
    kept = _kept(encoder) if in_parts else None
    raw = _embedded(encoder, kept, needed(collection, labels, asked), others, max(counts, default=0))
    own = stripped(raw, encoder)
    whole = own if kept is None else numbered(own)[0]
    orders = {name: (whole if name in in_parts else own, ranker_of(name, encoder, kept)) for name in ranks}
    answers = {ranked_by(name): order for name, order in orders.items()} | _baselines(raw, compare)
    question = Asked(encoder, own, labels, wanted, counts)
    reports = _reports(question, answers)
    if scores is not None and pairs is not None:
        reports |= by_pairs(question, scores, pairs)
    silent = [] if kept is not None else [_ordered_instead(name, encoder) for name in in_parts]
    report = _one(reports, encoder, silent)
    if scores is not None and explained:
        report = replace(report, explanations=explanations(question, scores))
    _refuse_empty(report)
    click.echo(report.markdown(), nl=False)
    if out is not None:
        made = _save(report, raw, own, labels, out, pictures)
        if pictures and scores is not None:
            made += match_picture(question, scores, out / "matches.png")
        click.echo(f"{out}: {', '.join(made)}", err=True)


def _tasks(text: str) -> tuple[tuple[str, ...], bool]:
    """The tasks, and whether explanations are to be tested as well."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    known = (*TASKS, EXPLANATIONS)
    if unknown := [name for name in names if name not in known]:
        raise SketchseekError(f"unknown task {unknown[0]!r}; choose from {', '.join(known)}")
    if not names:
        raise SketchseekError(f"--tasks is empty; choose from {', '.join(known)}")
    return tuple(dict.fromkeys(name for name in names if name != EXPLANATIONS)), EXPLANATIONS in names


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


def _reports(asked: Asked, answers: Mapping[str, tuple[Embedded, Ranker]]) -> dict[str, Evaluation]:
    """What each order finds."""
    name, tasks = asked.encoder.card.name, asked.tasks
    return {
        order: evaluate(vectors, asked.unseen, model=name, tasks=tasks, ranker=ranker, counts=asked.counts)
        for order, (vectors, ranker) in answers.items()
    }


def _one(reports: Mapping[str, Evaluation], encoder: Encoder, remarks: Sequence[str]) -> Evaluation:
    """All of them in one, with what else there is to say, and what made it."""
    report = reports[STRIPPED] if [*reports] == [STRIPPED] else compared(reports)
    made_by = f"model fingerprint {encoder.fingerprint}, run by {encoder.engine.name}"
    return replace(report, remarks=(*report.remarks, *remarks, made_by))


def _baselines(raw: Embedded, names: Sequence[str]) -> dict[str, tuple[Embedded, Ranker]]:
    """The bank belongs to the model's own vectors, so baselines have no other order than that of their scores."""
    known = {"raw": (RAW, lambda: raw), "mean": (MEAN, lambda: mean_stripped(raw))}
    return {known[name][0]: (known[name][1](), inner_product) for name in known if name in names}


def _refuse_empty(report: Evaluation) -> None:
    if not report.rows and report.explanations is None:
        task, reason = next(iter(report.skipped.items()))
        raise DataProblem(f"no task can run on this data; {task}: {reason}")


def _kept(encoder: Encoder) -> KeptParts | None:
    """What keeps local parts until the command ends; None if the model has none."""
    if encoder.local is None:
        return None
    folder = click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="sketchseek-"))
    return KeptParts(encoder, encoder.local, Path(folder))


def _ordered_instead(name: str, encoder: Encoder) -> str:
    return (
        f"{ranked_by(name)}: model {encoder.card.name!r} compares no local parts, so photos are ordered as by --rank "
        + WITHOUT_PARTS.get(name, "plain")
    )


def _embedded(
    encoder: Encoder, kept: KeptParts | None, data: Dataset, others: tuple[Record, ...], most: int
) -> Embedded:
    encodes: Encodes = kept or encoder.unstripped
    found = _timed(encoder, len(data), lambda progress: embed(encodes, data, progress=progress), "images")
    if most:
        beside = _timed(
            encoder,
            most,
            lambda progress: embed_distractors(encodes, others, most, progress),
            "photos of other classes",
        )
        found = replace(found, distractors=beside)
    return found if kept is None else kept.taken(found)


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
) -> list[str]:
    report.save(out)
    made = ["evaluation.json", "evaluation.md"]
    if pictures:
        from model.evaluation.figures import space_picture, zero_shot_sheet

        made += ["stripping.png"] * bool(space_picture(raw, own, out / "stripping.png", unseen=unseen))
        made += ["found.png"] * bool(zero_shot_sheet(own, out / "found.png", unseen=unseen))
    return made
