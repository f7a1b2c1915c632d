"""`sketchseek train`: a recipe and data to a model folder."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import torch

from model.data.benchmarks import open_dataset
from model.data.datasets import (
    SKETCH,
    UNRECOGNIZED,
    DataProblem,
    Dataset,
    Record,
    read_labels,
)
from model.data.splits import a_tenth, find_split, parted
from model.errors import SketchseekError
from model.training.anchors import measure_encodings
from model.training.learner import Learner, LiteLearner, build
from model.training.objective import Objective
from model.training.publish import Provenance, publish, sources_of
from model.training.recipe import Recipe, read_recipe
from model.training.run import Outcome, Run, Settings, data_digest, unseen_map
from model.training.state import put, read_whole
from model.training.views import CHUNK, Material, with_pseudo_sketches

existing = click.Path(exists=True, path_type=Path)


@click.command("train")
@click.argument("data", type=existing)
@click.option(
    "--recipe",
    "recipe_name",
    default="lite",
    help="lite, lite-pairs, lite-instances, masbir-b32, or a JSON file.",
)
@click.option("--root", type=existing, help="Where the images of a manifest lie; else beside it.")
@click.option(
    "--splits",
    help="A published split such as sketchy-21, whose test labels stay out; or JSON naming validation_unseen.",
)
@click.option(
    "--all-labels", is_flag=True, help="Learn from the labels of the validation too; nothing then judges."
)
@click.option(
    "--judge-on", "judged", default=None, help="Only this set of the manifest judges the unseen labels."
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The run's folder; it is resumed."
)
@click.option("--steps", type=click.IntRange(1), help="Instead of the recipe's length.")
@click.option("--batch", type=click.IntRange(2), help="Instead of the recipe's batch.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--licence",
    "licences",
    multiple=True,
    metavar="SET=TEXT",
    help="Under which terms a set of DATA may be used, for the model's card; for each set one.",
)
@click.option("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
def command(
    data: Path,
    recipe_name: str,
    root: Path | None,
    splits: str | None,
    all_labels: bool,
    judged: str | None,
    out: Path,
    steps: int | None,
    batch: int | None,
    seed: int,
    device: str,
    licences: tuple[str, ...],
) -> None:
    """Train on DATA: a manifest CSV, a folder of photos/<class> and sketches/<class>, or an official layout
    of Sketchy-Ext, TU-Berlin-Ext or QuickDraw-Ext.

    What is kept is what was best on labels that training never saw: validation_unseen, or with a published
    split a tenth of its seen labels. Its test labels are neither learned from nor looked at.
    """
    try:
        recipe = _changed(recipe_name, steps, batch, seed)
        whole = open_dataset(data, root)
        for remark in whole.remarks:
            click.echo(remark)
        seen, unseen = _parted(whole, splits, all_labels, judged)
        outcome = run(recipe, seen, unseen, out, device, _told(licences))
    except SketchseekError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"kept step {outcome.step}: {outcome.weights}")
    if (out / "model").is_dir():
        click.echo(f"the model: {out / 'model'}")


def run(
    recipe: Recipe, seen: Dataset, unseen: Dataset | None, out: Path, device: str, licences: Mapping[str, str]
) -> Outcome:
    """Train, then publish what was best; called again it goes on where it was."""
    torch.manual_seed(recipe.seed)
    learner = build(recipe)
    drawn = with_pseudo_sketches(seen.records) if recipe.edges else seen.records
    material = _material(drawn, learner, recipe, out / "seen.f16")
    validation = (
        _material(unseen.records, learner, recipe, out / "unseen.f16", plain=True) if unseen else None
    )
    objective = Objective(recipe, seen, material, learner)
    objective.lay_anchors()
    objective.to(_device(device))
    training = Run(objective, validation, Settings(out, say=click.echo), data_digest(seen))
    training.resume()
    outcome = training.go()
    put(learner, read_whole(outcome.weights)[0], outcome.weights)
    figures = _finished(learner.cpu(), objective, validation)
    command = shlex.join(["sketchseek", *_without_licences(sys.argv[1:])])
    publish(learner, recipe, out / "model", Provenance(command, sources_of(seen, licences), figures))
    return outcome


def _finished(learner: Learner, objective: Objective, validation: Material | None) -> dict[str, object]:
    """The encodings measured once more, where the recipe wants that; what the unseen classes say of it."""
    figures = {} if validation is None else {"mAP@all": round(unseen_map(learner, validation), 4)}
    if objective.recipe.encodings == "means" and isinstance(learner, LiteLearner):
        measure_encodings(learner, objective.material, objective.labels, objective.words.cpu())
        if validation is not None:
            figures = {
                "mAP@all": round(unseen_map(learner, validation), 4),
                "with learned encodings": figures["mAP@all"],
            }
    return {"unseen validation": figures} if figures else {}


def _material(
    records: Sequence[Record], learner: Learner, recipe: Recipe, file: Path, *, plain: bool = False
) -> Material:
    material = Material(
        records, learner, size=recipe.size, views=1 if plain else recipe.views, seed=recipe.seed
    )
    if recipe.towers == "lite":
        click.echo(f"preparing {len(records)} images for {file.name}")
        material.keep(file, _every_tenth)
    return material


def _every_tenth(done: int, total: int) -> None:
    if done * 10 // total != max(done - CHUNK, 0) * 10 // total:
        click.echo(f"  {done} of {total}")


def _parted(
    whole: Dataset, splits: str | None, all_labels: bool, judged: str | None
) -> tuple[Dataset, Dataset | None]:
    """What is learned from, and what is judged on; a drawing that nobody recognised is neither."""
    clear = whole.where(lambda record: not (record.modality == SKETCH and record.note == UNRECOGNIZED))
    if splits is None:
        return clear, None
    if splits.endswith(".json") or Path(splits).is_file():
        held_out = _listed(Path(splits), clear)
    else:
        clear, _ = parted(clear, find_split(splits))
        held_out = a_tenth(clear)
    if all_labels:
        return clear, None
    unseen = clear.subset(held_out)
    return clear.without(held_out), unseen.of_sets([judged]) if judged else unseen


def _listed(splits: Path, data: Dataset) -> tuple[str, ...]:
    labels = read_labels(splits)
    if "validation_unseen" not in labels:
        raise DataProblem(
            f"{splits}: expected a list named validation_unseen, found {', '.join(labels) or 'none'}"
        )
    return tuple(label for label in labels["validation_unseen"] if label in data.labels)


def _told(licences: Sequence[str]) -> dict[str, str]:
    told = {}
    for text in licences:
        name, _, licence = text.partition("=")
        if not (name and licence):
            raise DataProblem(f"--licence {text}: say it as SET=TEXT, such as --licence shoes='CC BY 4.0'")
        told[name] = licence
    return told


def _without_licences(arguments: Sequence[str]) -> list[str]:
    """The command for the card, which names each set with its licence anyway."""
    pairs = zip(("", *arguments), arguments, strict=False)
    return [said for before, said in pairs if before != "--licence" and not said.startswith("--licence")]


def _changed(name: str, steps: int | None, batch: int | None, seed: int) -> Recipe:
    changes: dict[str, object] = {"seed": seed}
    if steps is not None:
        changes |= {"steps": steps, "epochs": None}
    if batch is not None:
        changes["batch"] = batch
    return read_recipe(name, **changes)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DataProblem(f"no GPU for --device {name}: leave it out to train on the CPU")
    return torch.device(name)
