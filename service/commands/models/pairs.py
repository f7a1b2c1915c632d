"""`sketchseek evaluate --pairs` and `--tasks explanations`: what a model says of pairs, beside its vectors."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from model import Encoder, ModelError, SketchseekError
from model.card import Checkpoint
from model.data.datasets import Record
from model.errors import NoEngine
from model.evaluation.embedding import Embedded
from model.evaluation.explained import match_sheet
from model.evaluation.honesty import Subject, chosen, examined, pictured
from model.evaluation.local_parts import numbered
from model.evaluation.pairs import PAIRED, PairRanker, PairScores, of_local, pairs_in, prepared
from model.evaluation.report import Evaluation, Explanations
from model.evaluation.tasks import Questions, evaluate
from model.modality import Pixels

EXPLANATIONS = "explanations"
# The depth that stands for all photos.
ALL = 0
# Minutes on a CPU; with fewer, nobody minds.
MANY = 100_000


def pair_scores_of(encoder: Encoder, model: str) -> PairScores:
    """What this model scores pairs with: its local parts or, which needs torch, its training method."""
    if encoder.local is not None:
        return of_local(encoder, encoder.local)
    checkpoint = Checkpoint.find(model)
    if not checkpoint.has("method"):
        raise ModelError(
            f"model {checkpoint.card.name!r} cannot score pairs: train one that can, such as recipe zse-b16"
        )
    try:
        import torch

        from model.training.restore import pair_scores
    except ImportError as error:
        raise NoEngine(
            f"the pair scores of {checkpoint.card.name!r} need {error.name}: pip install 'sketchseek[cpu,train]'"
        ) from None
    # An engine that was chosen by hand says where to compute; `auto` is one of CUDA where there is a GPU.
    on_gpu = encoder.engine.device.startswith("cuda") and torch.cuda.is_available()
    return pair_scores(checkpoint, encoder.engine.device if on_gpu else "cpu")


def depth_of(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """What --pairs says: `all`, or a number of photos from 1."""
    if value is None:
        return None
    if value == "all":
        return ALL
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise click.BadParameter(
        f"{value!r} is neither `all` nor a number of photos, such as 100", ctx, parameter
    )


@dataclass(frozen=True)
class Asked:
    """What is evaluated: a model and its vectors, the unseen classes, the tasks, and how many other photos."""

    encoder: Encoder
    own: Embedded
    unseen: tuple[str, ...] | None
    tasks: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def questions(self) -> Questions:
        return Questions(self.own, self.unseen, 0.5)

    def pixels(self, record: Record) -> Pixels:
        return prepared(self.encoder, record)


def refuse_early(pairs: int | None, tasks: Sequence[str]) -> None:
    """Raise an error if no task is left for pairs."""
    if pairs is not None and not set(tasks) & {*PAIRED}:
        raise SketchseekError(
            f"--pairs compares drawings with photos: add one of --tasks {', '.join(PAIRED)}"
        )


def refuse_silent(encoder: Encoder, scores: PairScores) -> None:
    """Raise an error if the model scores pairs, but cannot say why."""
    if scores.explain is None:
        raise SketchseekError(f"model {encoder.card.name!r} scores pairs, but does not say which parts match")


def by_pairs(asked: Asked, scores: PairScores, pairs: int) -> dict[str, Evaluation]:
    """The tasks that pairs can answer, by the name of the row in the tables."""
    depth = None if pairs == ALL else pairs
    tasks = [task for task in asked.tasks if task in PAIRED]
    total = pairs_in(asked.questions, tasks, max(asked.counts, default=0), depth)
    bound = "; to compare fewer, write --pairs 100" if depth is None and total > MANY else ""
    click.echo(f"comparing about {total:,} pairs of a drawing and a photo{bound}", err=True)
    vectors, records = numbered(asked.own)
    with tempfile.TemporaryDirectory() as folder:

        def ranked(progress: Callable[[int], None]) -> Evaluation:
            ranker = PairRanker(scores, records, asked.pixels, Path(folder), depth=depth, progress=progress)
            return evaluate(
                vectors,
                asked.unseen,
                model=asked.encoder.card.name,
                tasks=tasks,
                ranker=ranker,
                counts=asked.counts,
            )

        if sys.stderr.isatty():
            with click.progressbar(length=total, label="comparing", file=sys.stderr) as bar:
                found = ranked(bar.update)
        else:
            found = ranked(lambda pairs: None)
    return {"pair by pair" if depth is None else f"nearest {depth}, pair by pair": found}


def explanations(asked: Asked, scores: PairScores) -> Explanations:
    """Put the model's explanations to the test."""
    questions = asked.questions
    return examined(_subject(asked, scores), asked.own.data.records, chosen(questions))


def match_picture(asked: Asked, scores: PairScores, path: Path) -> list[str]:
    """Draw some explanations; returns the names of the files that were made, none if the model explains nothing."""
    if scores.explain is None:
        return []
    lines = pictured(_subject(asked, scores), asked.own.data.records, chosen(asked.questions))
    if lines:
        match_sheet(lines, path)
    return [path.name] * bool(lines)


def _subject(asked: Asked, scores: PairScores) -> Subject:
    encoder = asked.encoder
    assert scores.explain is not None, "refuse_silent comes first"

    def similarity(sketch: Pixels, photo: Pixels) -> float:
        return float(np.sum(encoder.encode_sketches([sketch]) * encoder.encode_photos([photo])))

    return Subject(scores.explain, asked.pixels, similarity)
