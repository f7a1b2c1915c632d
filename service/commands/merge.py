"""`sketchseek merge`: combine the parts of a library, each embedded on its own machine, into one index."""

from pathlib import Path

import click

from indexer import index_types, merge
from service.console.job_file import config_option
from service.console.options import Place, index_option, live_option, store_option
from service.console.telling import report_options, reporting


@click.command("merge", epilog="Run it again whenever a part changes: it copies only what is new.")
@click.argument("parts", nargs=-1, required=True, type=Place())
@config_option
@index_option(required=True)
@store_option
@click.option("--accept-deletions", is_flag=True, help="Remove photo folders that no part contains any more.")
@click.option("--index-type", type=click.Choice(index_types()), help="Index type; later merges keep it.")
@click.option(
    "--prune",
    "keep",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="How many generations to keep.",
)
@live_option
@report_options
def command(
    parts: tuple[Path, ...],
    index: Path,
    store: str | None,
    accept_deletions: bool,
    index_type: str | None,
    keep: int,
    live: bool | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Combine all PARTS of a library, made by sketchseek index --partition, into one index."""
    with reporting(index, verbose=verbose, quiet=quiet, as_json=as_json, store=store) as (reporter, finish):
        finish(
            merge(
                index,
                parts,
                reporter,
                accept_deletions=accept_deletions,
                index_type=index_type,
                keep=keep,
                store=store,
                live=live,
            )
        )
