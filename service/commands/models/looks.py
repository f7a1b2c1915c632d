"""`sketchseek looks`: let a model look at each picture more than once."""

from pathlib import Path

import click

from model.card import Checkpoint
from model.export.looks import with_looks
from model.looks import LOOKS, PLAIN
from service.console.options import Place


@click.command("looks")
@click.argument("model", type=Place())
@click.option("--out", type=Place(), required=True, help="Folder for the new model.")
@click.option("--name", help="Name of the new model.  [default: the model's name, and -mirrored]")
def command(model: Path, out: Path, name: str | None) -> None:
    """Make a slower, stronger copy of MODEL, a folder or a shipped model: it looks at each picture and at its mirror
    image, and takes the mean.

    Encoding takes twice as long, searching the vectors as long as before. An index has to be made anew. The copy has no
    bank: build one with sketchseek bank.
    """
    made = with_looks(
        Checkpoint.find(model), out, [*PLAIN, *(look for look in LOOKS if look not in PLAIN)], name
    )
    times = len(made.card.looks)
    click.echo(f"{out}: {times} looks at each picture, fingerprint {made.card.fingerprint}")
