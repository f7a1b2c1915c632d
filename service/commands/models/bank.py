"""`sketchseek bank`: give a finished model the bank that photos are weighed against."""

from pathlib import Path
from tempfile import TemporaryFile

import click

from model import Encoder, SketchseekError
from model.card import SHIPPED, Checkpoint
from model.data.benchmarks import open_dataset
from model.data.splits import Part, trained_on
from model.modality import Modality
from model.training.banks import add_bank, build_bank
from service.console.options import Place, learned_options, shown


@click.command("bank")
@click.argument("model", type=Place())
@click.argument("data", type=Place())
@learned_options
def command(model: Path, data: Path, root: Path | None, splits: str | None) -> None:
    """Build the bank of the model folder MODEL from DATA, the data it was trained on, or replace the bank it has.

    Every photo is weighed against the bank when an index is published, so that photos which are near every drawing do
    not crowd out the others. `sketchseek train` adds one to each model; use this command after `sketchseek blend`, or
    for models of earlier versions. Vectors and fingerprint stay the same; the next `sketchseek index` uses the bank.
    """
    checkpoint = _writable(model)
    collection, _ = trained_on(open_dataset(data, root), Part(splits))
    bank = build_bank(
        Encoder.load(model, in_bulk=True), collection, say=lambda line: click.echo(line, err=True)
    )
    add_bank(checkpoint, bank)
    counts = {kind: len(near.vectors) for kind, near in bank.kinds.items()}
    click.echo(
        f"{shown(model)}: bank {bank.digest}, {counts[Modality.SKETCH]} drawings and "
        f"{counts.get(Modality.TEXT, 0)} captions, {len(bank.data)} bytes"
    )


def _writable(folder: Path) -> Checkpoint:
    """The model in a folder that can be changed; encoding takes too long to find out afterwards."""
    if not (folder / "card.json").is_file() and (SHIPPED / folder / "card.json").is_file():
        raise SketchseekError(
            f"{folder} is a model that ships with sketchseek: copy {SHIPPED / folder} and name the copy"
        )
    checkpoint = Checkpoint(folder)
    try:
        # Unlike a look at the permissions, this also notices a read-only disk.
        with TemporaryFile(dir=folder):
            return checkpoint
    except OSError as error:
        raise SketchseekError(
            f"{folder}: cannot be written to ({error.strerror}); copy the model, or change the folder's permissions"
        ) from None
