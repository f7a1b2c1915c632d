"""`sketchseek prune`: remove old generations."""

from pathlib import Path

import click

from indexer.library import shelf
from service.console.options import index_option, store_option


@click.command("prune")
@click.argument("keep", type=click.IntRange(1))
@index_option(required=True)
@store_option
def command(keep: int, index: Path, store: str | None) -> None:
    """Remove all but the newest KEEP generations. The one being served always stays."""
    kept_on = shelf(store or index)
    kept_on.current()
    with kept_on.writing():
        removed = kept_on.prune(keep)
    what = f"removed generation {', '.join(removed)}" if removed else "nothing to remove"
    click.echo(f"{store or index}: {what}")
