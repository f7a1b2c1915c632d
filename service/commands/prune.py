"""`sketchseek prune`: removes old generations."""

from pathlib import Path

import click

from indexer.generations.generation import current, prune
from indexer.locking.lock import writing
from indexer.locking.opening import plainly
from service.console.options import index_option


@click.command("prune")
@click.argument("keep", type=click.IntRange(1))
@index_option(required=True)
def command(keep: int, index: Path) -> None:
    """Remove all but the newest KEEP generations. The one being served always stays."""
    current(index)
    with plainly(index), writing(index):
        removed = prune(index, keep)
    what = f"removed generation {', '.join(removed)}" if removed else "nothing to remove"
    click.echo(f"{index}: {what}")
