"""`sketchseek join`: several models side by side in one."""

from pathlib import Path

import click

from model.card import Checkpoint
from model.data.benchmarks import open_dataset
from model.data.splits import Part, trained_on
from service.console.options import Place, needs


@click.command("join")
@click.argument("models", nargs=-1, required=True, type=Place())
@click.argument("data", type=Place())
@click.option("--root", type=Place(), help="Folder of the manifest's images.  [default: the manifest's own]")
@click.option(
    "--splits",
    metavar="FILE_OR_NAME",
    help="Leave out the labels that `sketchseek train --splits` would leave out.",
)
@click.option("--out", type=Place(), required=True, help="Folder for the new model.")
@click.option("--name", help="Name of the new model.  [default: the first model's name]")
def command(
    models: tuple[Path, ...], data: Path, root: Path | None, splits: str | None, out: Path, name: str | None
) -> None:
    """Put the networks of MODELS side by side in one model: folders that `sketchseek train` made, or shipped models.
    DATA is what they were trained on.

    Each overlooks other things, so together they find more. Encoding takes as long as all of them do; an index is as
    large as the first one's. Unlike for a blend, their networks may differ. Nothing is trained, so this takes minutes.
    The result has a bank, but no local head: make one with sketchseek train-parts.
    """
    needs("joining", "torch", "timm", "openvino")
    from model.training.joins import join

    collection, _ = trained_on(open_dataset(data, root), Part(splits))
    checkpoints = [Checkpoint.find(folder) for folder in models]
    made = join(checkpoints, collection, out, name, say=lambda line: click.echo(line, err=True))
    click.echo(f"{out}: {len(models)} models side by side, fingerprint {made.card.fingerprint}")
