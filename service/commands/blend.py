"""`sketchseek blend`: one model of several runs."""

from pathlib import Path

import click

from model.card import Checkpoint
from service.console.options import Place, needs


@click.command("blend")
@click.argument("models", nargs=-1, required=True, type=Place())
@click.option("--out", type=Place(), required=True, help="The new model's folder.")
@click.option("--name", help="What the new model calls itself; else as the first one does.")
def command(models: tuple[Path, ...], out: Path, name: str | None) -> None:
    """Write the mean of MODELS, folders with a card that `sketchseek train` made from the same towers and data.

    It is as quick as each of them and often finds more than the best; measure it with sketchseek evaluate.
    """
    needs("blending", "torch", "timm", "openvino")
    from model.export.blend import blend

    made = blend([Checkpoint.find(folder) for folder in models], out, name)
    click.echo(f"{out}: the mean of {len(models)} models, fingerprint {made.card.fingerprint}")
