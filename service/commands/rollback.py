"""`sketchseek rollback`: back to the generation before, until it is released."""

from pathlib import Path

import click

from indexer.generations.generation import current, generations, release, rollback
from indexer.locking.lock import writing
from indexer.locking.opening import plainly
from service.console.options import index_option


@click.command("rollback")
@index_option(required=True)
@click.option("--release", "again", is_flag=True, help="Let runs publish again.")
def command(index: Path, again: bool) -> None:
    """Go back to the previous generation.

    Later runs still record changes but publish nothing, until you run sketchseek rollback --release.
    """
    if not generations(index):
        current(index)
    with plainly(index), writing(index):
        if again:
            click.echo(f"{index}: generation {release(index)} serves until the next run publishes")
        else:
            old, new = rollback(index)
            click.echo(f"{index}: generation {new} serves instead of {old}, and stays until --release")
