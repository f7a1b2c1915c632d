"""`sketchseek index`: build a published index, or one part of it, from photo folders."""

from collections.abc import Sequence
from pathlib import Path

import click

from indexer import Partition, Report, RulesChange, index_types, merge, run
from indexer.cluster import embedding
from indexer.library import shelf
from model import Encoder, cores
from service.console.cluster import check_options, cluster_options, everywhere, shared_arguments
from service.console.job_file import config_option
from service.console.options import Place, index_option, live_option, model_options, shown, store_option
from service.console.telling import report_options, reporting
from service.library.supervised import end_with_stdin

_REMEMBERED = "{} (.gitignore syntax); repeatable. Later runs remember it; '' resets it."


@click.command(
    "index",
    epilog="Run it again at any time: it processes only new, changed, and deleted photos. "
    "Without PHOTOS, it updates the folders that are already in the index.",
)
@click.argument("photos", nargs=-1, type=Place())
@config_option
@index_option(required=True)
@store_option
@model_options
@click.option("--accept-deletions", is_flag=True, help="Remove missing photos from the index, however many.")
@click.option("--forget", multiple=True, type=Place(), help="Remove this folder from the index; repeatable.")
@click.option(
    "--index-type",
    type=click.Choice(index_types()),
    help="Index type; later runs keep it.  [default: auto, chosen by the number of photos]",
)
@click.option(
    "--prune",
    "keep",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="How many generations to keep.",
)
@live_option
@click.option("--exclude", multiple=True, metavar="PATTERN", help=_REMEMBERED.format("Skip files that match"))
@click.option(
    "--include", multiple=True, metavar="PATTERN", help=_REMEMBERED.format("Index only files that match")
)
@click.option("--hidden/--no-hidden", default=None, help="Include hidden files; later runs remember it.")
@click.option(
    "--follow-links/--no-follow-links",
    default=None,
    help="Follow symbolic links that stay within the photo folders; later runs remember it.",
)
@click.option(
    "--partition",
    metavar="I/N",
    help="Index only one part of the library, such as 1/3, into its own folder; see sketchseek merge.",
)
@click.option(
    "--cpus", type=click.IntRange(1), help="How many cores to use.  [default: all that this process may use]"
)
@cluster_options
@click.option("--supervised", is_flag=True, hidden=True, help="Exit when standard input closes.")
@report_options
def command(
    photos: tuple[Path, ...],
    index: Path,
    store: str | None,
    model: str,
    engine: str,
    accept_deletions: bool,
    forget: tuple[Path, ...],
    index_type: str | None,
    keep: int,
    live: bool | None,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    hidden: bool | None,
    follow_links: bool | None,
    partition: str | None,
    cpus: int | None,
    ray: str | None,
    parts: int | None,
    parts_folder: Path | None,
    cpus_per_part: int | None,
    supervised: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Create or update an index of the folders PHOTOS."""
    if supervised:
        end_with_stdin()
    check_options(click.get_current_context().params)
    rules = RulesChange(include or None, exclude or None, hidden, follow_links)
    with reporting(index, verbose=verbose, quiet=quiet, as_json=as_json, store=store) as (reporter, finish):
        if ray is not None:
            # The merge refuses it, too, but only when everything is embedded.
            shelf(store or index).refuse(index_type, live=bool(live))
            shared = shared_arguments(engine, rules, accept_deletions=accept_deletions)
            work = embedding.Work(
                ray, photos, forget, shared, everywhere(model), parts, parts_folder, cpus_per_part
            )

            def merged(folders: Sequence[Path], accept: bool) -> Report:
                accept = accept or accept_deletions
                return merge(
                    index,
                    folders,
                    reporter,
                    accept_deletions=accept,
                    index_type=index_type,
                    keep=keep,
                    store=store,
                    live=live,
                )

            finish(embedding.embed(index, work, reporter, merged, warn=_warn))
            return
        part = None if partition is None else Partition.parse(partition)
        if cpus is not None:
            cores.use_at_most(cpus)
        encoder = Encoder.load(model, engine=engine, in_bulk=True)
        finish(
            run(
                index,
                photos,
                encoder,
                reporter,
                accept_deletions=accept_deletions,
                forget=forget,
                index_type=index_type,
                keep=keep,
                change=rules,
                partition=part,
                store=None if part else store,
                live=None if part else live,
            )
        )


def _warn(line: str) -> None:
    click.secho(shown(line), err=True, fg="yellow")
