"""`sketchseek train-parts`: give a model the local head that compares drawings and photos part by part."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import torch
from pydantic import ValidationError

from model.backbones.local import LocalHead
from model.card import Checkpoint, Source
from model.data.benchmarks import open_dataset
from model.data.datasets import DataProblem, Dataset
from model.data.splits import Part, trained_on
from model.encoder import Encoder
from model.errors import SketchseekError
from model.training import heap
from model.training.command import command as train
from model.training.command import device_of, licences_of, without_licences
from model.training.folder import held
from model.training.parts.maps import Maps, Reader, mapped
from model.training.parts.network import Matcher
from model.training.parts.objective import Objective
from model.training.parts.options import Options
from model.training.parts.publish import USED_FOR, Provenance, trained_head, write_model
from model.training.parts.run import Run, Settings, earlier
from model.training.parts.sampling import Material, Needed, Sampler
from model.training.parts.validation import compared
from model.training.publish import sources_of
from model.training.recipe import SEEDS
from model.training.run import data_digest

_DEFAULTS = Options()
# Options that mean the same as in `sketchseek train`.
_SHARED = ("root", "sets", "splits", "all_labels", "left_out", "licences", "device")


@click.command("train-parts")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--model", "name", default="lite", show_default=True, help="A shipped model, or a model folder."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the run; resumes a run that is in it.",
)
@click.option("--steps", type=click.IntRange(1), default=_DEFAULTS.steps, show_default=True)
@click.option(
    "--pseudo",
    type=click.IntRange(0),
    default=_DEFAULTS.pseudo,
    show_default=True,
    help="How many of the drawings in a batch are made of photos.",
)
@click.option("--rate", type=float, default=_DEFAULTS.rate, show_default=True, help="Learning rate.")
@click.option(
    "--stages",
    default=",".join(map(str, _DEFAULTS.stages)),
    show_default=True,
    help="The stages of the image tower that the head reads.",
)
@click.option("--seed", type=click.IntRange(0, SEEDS - 1), default=0, show_default=True)
def command(
    data: Path,
    name: str,
    out: Path,
    root: Path | None,
    sets: tuple[str, ...],
    splits: str | None,
    all_labels: bool,
    left_out: tuple[str, ...],
    licences: tuple[str, ...],
    device: str,
    stages: str,
    **numbers: Any,
) -> None:
    """Train a local head for a model on DATA: a manifest CSV, a folder of photos/<class> and sketches/<class>, or an
    official layout of Sketchy-Ext, TU-Berlin-Ext or QuickDraw-Ext.

    OUT/model is a copy of the model with the head; its vectors and its fingerprint stay the same. If labels are
    held out, their photos are searched for with their drawings at the end, by whole pictures and by local parts.
    """
    heap.keep()
    try:
        options = _options(stages, numbers)
        whole = open_dataset(data, root, sets or None)
        for remark in whole.remarks:
            click.echo(remark)
        seen, unseen = trained_on(whole, Part(splits, all_labels, None, left_out))
        checkpoint, said = Checkpoint.find(name), licences_of(licences)
        done = run(checkpoint, options, seen, unseen, out, device, said)
    except SketchseekError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"the model: {done.folder}")


command.params += [each for each in train.params if each.name in _SHARED]


def run(
    checkpoint: Checkpoint,
    options: Options,
    seen: Dataset,
    unseen: Dataset | None,
    out: Path,
    device: str,
    licences: Mapping[str, str],
) -> Checkpoint:
    """Train a head beside the model's tower, and write a copy of the model with it; called again, resume the run."""
    place = device_of(device)
    reader = Reader(checkpoint, options.stages, place)
    material = Material.of(seen, options.seed)
    needed = Needed(Sampler(material, options), options.steps)
    torch.manual_seed(options.seed)
    shape = reader.shape(width=options.width, hidden=options.hidden, blocks=options.blocks)
    matcher = Matcher(LocalHead(shape), shape.trunk)
    data = f"{data_digest(seen)} {reader.digest}"
    with held(out):
        before = earlier(out, options, data)
        if before is not None and before.step == before.steps and (out / "model" / "card.json").is_file():
            return Checkpoint(out / "model")
        tables = _tables(material, needed, reader, shape.side, options, out)
        objective = Objective(matcher, tables, needed, options)
        objective.start()
        matcher.to(place)
        training = Run(objective, Settings(out, say=click.echo), data)
        training.resume()
        average = training.go()
        trained = trained_head(average, tables["photos"], options.numbers)
        said = shlex.join(["sketchseek", *without_licences(sys.argv[1:])])
        provenance = Provenance(said, _sources(checkpoint, seen, licences))
        return write_model(
            checkpoint, trained, out / "model", provenance, lambda made: _measured(made, unseen)
        )


def _tables(
    material: Material, needed: Needed, reader: Reader, side: int, options: Options, out: Path
) -> dict[str, Maps]:
    tables = {}
    for name, every in material.pictures(options.seed).items():
        pictures = [every[row] for row in needed.rows[name]]
        if not pictures:
            continue
        click.echo(f"preparing {len(pictures)} images: {name}")
        tables[name] = mapped(pictures, reader, side, out / "maps" / name, _every_tenth)
    return tables


def _every_tenth(done: int, total: int, before: int) -> None:
    if done * 10 // total != before * 10 // total:
        click.echo(f"  {done} of {total}")


def _measured(folder: Path, unseen: Dataset | None) -> dict[str, Any]:
    """Figures on the labels that were held out, also printed."""
    if unseen is None:
        return {}
    found = compared(Encoder.load(folder), unseen)
    for means, each in found.items():
        click.echo(
            f"unseen labels by {means}: " + ", ".join(f"{name} {value:.3f}" for name, value in each.items())
        )
    return {
        f"unseen validation, by {means}": {name: round(value, 4) for name, value in each.items()}
        for means, each in found.items()
    }


def _sources(checkpoint: Checkpoint, data: Dataset, licences: Mapping[str, str]) -> list[Source]:
    """The sets that the head learned from; licences that the model's card has need not be given again."""
    known = {source.name: source.licence for source in checkpoint.card.learned_from}
    return [
        source.model_copy(update={"used_for": USED_FOR})
        for source in sources_of(data, known | dict(licences))
    ]


def _options(stages: str, numbers: Mapping[str, Any]) -> Options:
    try:
        chosen = tuple(int(each) for each in stages.split(","))
    except ValueError:
        raise DataProblem(
            f"--stages {stages}: write numbers with commas between them, such as 2,3,4,6"
        ) from None
    try:
        return Options(stages=chosen, **numbers)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataProblem(f"--{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
