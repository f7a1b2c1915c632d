"""`sketchseek index`: the batch job, from folders of photos to a published index or one part of it."""

from pathlib import Path

import click

from indexer import Partition, RulesChange, index_types, run
from model import Encoder
from service.console.job_file import config_option
from service.console.options import Place, index_option, model_options
from service.console.telling import report_options, told
from service.ops.supervised import end_with_stdin

_REMEMBERED = "{}, as in .gitignore; repeatable. Later runs do so, too, until it is given anew ('' for none)."


@click.command(
    "index",
    epilog="Run it again at any time: only new, changed and deleted photos are worked on. "
    "Without PHOTOS it looks at the folders of earlier runs.",
)
@click.argument("photos", nargs=-1, type=Place())
@config_option
@index_option(required=True)
@model_options
@click.option("--accept-deletions", is_flag=True, help="Believe that missing photos are deleted.")
@click.option("--forget", multiple=True, type=Place(), help="Take this folder out of the index.")
@click.option(
    "--index-type",
    type=click.Choice(index_types()),
    help="Kind of index; later runs keep it.  [default: auto, which goes by the number of photos]",
)
@click.option(
    "--prune", "keep", default=2, show_default=True, type=click.IntRange(1), help="Generations to keep."
)
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help=_REMEMBERED.format("Leave out what matches")
)
@click.option(
    "--include", multiple=True, metavar="PATTERN", help=_REMEMBERED.format("Take only what matches")
)
@click.option("--hidden/--no-hidden", default=None, help="Look at hidden files, too; later runs do as well.")
@click.option(
    "--follow-links/--no-follow-links",
    default=None,
    help="Follow symbolic links that lead to somewhere in the photo folders; later runs do as well.",
)
@click.option(
    "--partition",
    metavar="I/N",
    help="Embed only this part of the library, say 1/3, into an index folder of its own; see sketchseek merge.",
)
@click.option("--supervised", is_flag=True, hidden=True, help="End when standard input does.")
@report_options
def command(
    photos: tuple[Path, ...],
    index: Path,
    model: str,
    engine: str,
    accept_deletions: bool,
    forget: tuple[Path, ...],
    index_type: str | None,
    keep: int,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    hidden: bool | None,
    follow_links: bool | None,
    partition: str | None,
    supervised: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring an index up to date with folders of PHOTOS."""
    if supervised:
        end_with_stdin()
    with told(index, verbose=verbose, quiet=quiet, as_json=as_json) as (reporter, tell):
        part = None if partition is None else Partition.parse(partition)
        encoder = Encoder.load(model, engine=engine)
        tell(
            run(
                index,
                photos,
                encoder,
                reporter,
                accept_deletions=accept_deletions,
                forget=forget,
                index_type=index_type,
                keep=keep,
                change=RulesChange(include or None, exclude or None, hidden, follow_links),
                partition=part,
            )
        )
