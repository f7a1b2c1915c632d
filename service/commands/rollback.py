"""`sketchseek rollback`: go back to the previous generation, until it is released."""

from pathlib import Path

import click

from indexer.library import shelf
from service.console.options import index_option, store_option


@click.command("rollback")
@index_option(required=True)
@store_option
@click.option("--release", "again", is_flag=True, help="Let runs publish again.")
def command(index: Path, store: str | None, again: bool) -> None:
    """Go back to the previous generation.

    Later runs still record changes but publish nothing, until you run sketchseek rollback --release.
    """
    kept_on = shelf(store or index)
    if not kept_on.generations():
        kept_on.current()
    with kept_on.writing():
        if again:
            click.echo(
                f"{store or index}: serving generation {kept_on.release()} until the next run publishes"
            )
        else:
            old, new = kept_on.rollback()
            click.echo(
                f"{store or index}: serving generation {new} instead of {old}, until rollback --release"
            )
