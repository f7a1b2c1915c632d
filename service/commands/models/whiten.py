"""`sketchseek whiten`: ask with what distinguishes a drawing from others."""

from pathlib import Path

import click

from model.card import Checkpoint
from model.data.benchmarks import open_dataset
from model.data.splits import Part, trained_on
from service.console.options import Place, learned_options


@click.command("whiten")
@click.argument("model", type=Place())
@click.argument("data", type=Place())
@learned_options
@click.option("--out", type=Place(), required=True, help="Folder for the new model.")
@click.option("--name", help="Name of the new model.  [default: the model's name]")
def command(
    model: Path, data: Path, root: Path | None, splits: str | None, out: Path, name: str | None
) -> None:
    """Make a copy of MODEL, a folder or a shipped model, that asks with what distinguishes a drawing, or words, from
    others. DATA is what the model was trained on.

    Searches by the vectors alone find clearly more. Nothing is trained, so this takes minutes; encoding and searching
    take as long as before. The copy has a bank, and a local head if MODEL has one. An index has to be made anew.
    """
    from model.training.whitening import whiten

    collection, _ = trained_on(open_dataset(data, root), Part(splits))
    made = whiten(Checkpoint.find(model), collection, out, name, say=lambda line: click.echo(line, err=True))
    click.echo(f"{out}: queries whitened, fingerprint {made.card.fingerprint}")
