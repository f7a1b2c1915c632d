"""`sketchseek join`: several models side by side in one."""

from pathlib import Path

import click

from model.card import Checkpoint
from model.data.benchmarks import open_dataset
from model.data.splits import Part, trained_on
from service.console.options import Place, learned_options, needs


@click.command("join")
@click.argument("models", nargs=-1, required=True, type=Place())
@click.argument("data", type=Place())
@learned_options
@click.option("--out", type=Place(), required=True, help="Folder for the new model.")
@click.option("--name", help="Name of the new model.  [default: the first model's name]")
def command(
    models: tuple[Path, ...], data: Path, root: Path | None, splits: str | None, out: Path, name: str | None
) -> None:
    """Put the networks of MODELS side by side in one model: folders that `sketchseek train` made, or shipped models.
    DATA is what they were trained on.

    Each overlooks different things, so together they find more. Encoding takes as long as with all of them; the index
    is as large as with the first. Unlike those of a blend, their networks may differ. Nothing is trained, so this takes
    minutes. The result has a bank, but no local head: train one with sketchseek train-parts.
    """
    needs("joining", "torch", "timm", "openvino")
    from model.training.joins import join

    collection, _ = trained_on(open_dataset(data, root), Part(splits))
    checkpoints = [Checkpoint.find(folder) for folder in models]
    made = join(checkpoints, collection, out, name, say=lambda line: click.echo(line, err=True))
    click.echo(f"{out}: {len(models)} models side by side, fingerprint {made.card.fingerprint}")
