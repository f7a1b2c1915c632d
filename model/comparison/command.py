"""`sketchseek compare`: every training method on the same towers and pictures, in one table."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
import torch

from model import cores
from model.comparison.material import LARGE, gathered, parted
from model.comparison.picture import draw
from model.comparison.report import lines, save
from model.comparison.rows import Row, chosen
from model.comparison.running import Comparison, Plan
from model.data.benchmarks import open_dataset
from model.data.datasets import DataProblem, Dataset
from model.errors import SketchseekError
from model.training import heap
from model.training.folder import held
from model.training.learners.base import Learner
from model.training.methods.needs import refuse_lacking
from model.training.network import build, method_of
from model.training.recipe import SEEDS, Recipe, read_recipe

existing = click.Path(exists=True, path_type=Path)


@click.command("compare")
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("methods", nargs=-1, metavar="[METHOD]...")
@click.option(
    "--root",
    type=existing,
    help="Folder that the manifest's paths start from.  [default: the manifest's folder]",
)
@click.option(
    "--splits",
    required=True,
    help="JSON with a list validation_unseen, or a published split such as sketchy-21.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the comparison; goes on with one that is in it.",
)
@click.option("--on", "asked", metavar="SET", help="Search for the unseen labels of this set only.")
@click.option(
    "--pairs", "paired", metavar="SET", help="Hold out a third of this set's pairs, and find single photos."
)
@click.option(
    "--steps", type=click.IntRange(1), default=120, show_default=True, help="Steps of each training."
)
@click.option(
    "--recipe",
    "recipe_name",
    default="lite-base",
    show_default=True,
    help="Towers and steps that all share: a recipe without a method, or a JSON file.",
)
@click.option("--seeds", default="0,1,2", show_default=True, help="Train once with each of these.")
def command(
    data: Path,
    methods: tuple[str, ...],
    root: Path | None,
    splits: str,
    out: Path,
    asked: str | None,
    paired: str | None,
    steps: int,
    recipe_name: str,
    seeds: str,
) -> None:
    """Compare training methods on DATA, a manifest CSV or another form that `train` takes.

    Without a METHOD, compares all whose needs the data and this installation meet. Each is trained with all seeds,
    from the same start, on the same pictures, in as many steps; its rate is chosen on labels that training sees. Killed
    at any time, the same command goes on.

    Writes comparison.md, comparison.json and comparison.png.
    """
    heap.keep()
    try:
        plan = Plan(recipe_name, steps, _numbers(seeds))
        if "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(cores.usable())
        base = read_recipe(recipe_name, "ma-sbir")
        if base.turns > 1:
            raise DataProblem(f"{recipe_name}: all rows share views that are made once: leave out `turns`")
        whole = open_dataset(data, root)
        for remark in whole.remarks:
            click.echo(remark)
        parts = parted(whole, splits, asked, paired)
        learner = build(base).learner
        rows = _with_what_is_there(chosen(methods), plan, learner, parts.seen, explicit=bool(methods))
        with held(out):
            plan.refuse_other(out, parts.digest)
            material = gathered(parts, learner, base, out / "views", click.echo)
            text = _compared(Comparison(rows, plan, material, out, click.echo), base)
    except SketchseekError as error:
        raise click.ClickException(str(error)) from error
    click.echo(text, nl=False)


def _compared(comparison: Comparison, base: Recipe) -> str:
    """Run it, and write what is known after each row; returns the tables."""
    material, out, text = comparison.material, comparison.folder, ""
    said = [
        f"{len(material.seen.data)} pictures of {len(material.seen.data.labels)} seen labels, {comparison.plan.steps} "
        f"steps of {base.batch}; {len(material.unseen.data)} pictures of {len(material.unseen.data.labels)} unseen "
        f"labels; the large gallery has {len(material.others)} photos of other things (at most {LARGE:,}); torch "
        f"{torch.__version__}, {torch.get_num_threads()} threads"
    ]
    done = []
    for each in comparison.cells():
        done.append(each)
        text = save(done, said, out)
        draw(lines(done), out / "comparison.png")
    return text


def _with_what_is_there(
    rows: Mapping[str, Row], plan: Plan, learner: Learner, data: Dataset, *, explicit: bool
) -> dict[str, Row]:
    """The rows whose needs are met; those that were asked for are refused otherwise."""
    kept = {}
    for name, row in rows.items():
        recipe = row.recipe(plan.recipe, plan.steps)
        try:
            needs = method_of(recipe).needs
            refuse_lacking(recipe.method, needs, data.records, learner, unlabelled=1)
        except DataProblem as reason:
            if explicit:
                raise
            click.echo(f"left out: {reason}")
            continue
        kept[name] = row
    if not kept:
        raise DataProblem("no method is left to compare")
    return kept


def _numbers(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isdecimal() and int(word) < SEEDS for word in words):
        raise DataProblem(f"--seeds {text}: write numbers such as 0,1,2, from 0 to {SEEDS - 1}")
    return tuple(dict.fromkeys(int(word) for word in words))
