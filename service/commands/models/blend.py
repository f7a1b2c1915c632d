"""`sketchseek blend`: average several models into one."""

from pathlib import Path

import click

from model.card import Checkpoint
from service.console.options import Place, needs


@click.command("blend")
@click.argument("models", nargs=-1, required=True, type=Place())
@click.option("--out", type=Place(), required=True, help="Folder for the new model.")
@click.option("--name", help="Name of the new model.  [default: the first model's name]")
def command(models: tuple[Path, ...], out: Path, name: str | None) -> None:
    """Average the weights of MODELS: folders that `sketchseek train` made from the same towers and data.

    The result is as fast as any one of them and often more accurate than the best; check with sketchseek evaluate.
    It has no bank, since a bank belongs to one model only: build one with sketchseek bank. The same is true of a local
    head, so the result compares no local parts.
    """
    needs("blending", "torch", "timm", "openvino")
    from model.export.blend import blend

    made = blend([Checkpoint.find(folder) for folder in models], out, name)
    click.echo(f"{out}: average of {len(models)} models, fingerprint {made.card.fingerprint}")
