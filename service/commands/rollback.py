"""`sketchseek rollback`: back to the generation before, until it is released."""

from pathlib import Path

import click

from indexer.library import shelf
from service.console.options import index_option


@click.command("rollback")
@index_option(required=True)
@click.option("--release", "again", is_flag=True, help="Let runs publish again.")
def command(index: Path, again: bool) -> None:
    """Go back to the previous generation.

    Later runs still record changes but publish nothing, until you run sketchseek rollback --release.
    """
    kept_on = shelf(index)
    if not kept_on.generations():
        kept_on.current()
    with kept_on.writing():
        if again:
            click.echo(f"{index}: generation {kept_on.release()} serves until the next run publishes")
        else:
            old, new = kept_on.rollback()
            click.echo(f"{index}: generation {new} serves instead of {old}, and stays until --release")
