"""`sketchseek index`: build a published index, or one part of it, from photo folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import click

from indexer import Partition, Report, Reporter, RulesChange, index_types, merge, run
from indexer.cluster import embedding
from indexer.library import shelf
from model import Encoder, cores
from service.console.cluster import Chosen, cluster_options, everywhere, shared_arguments
from service.console.job_file import config_option
from service.console.options import Place, index_option, live_option, model_options, shown, store_option
from service.console.scanning import rules_options
from service.console.telling import report_options, reporting
from service.library.supervised import end_with_stdin
from service.model_choice import another_model, model_of_run, noted


class _Wanted(TypedDict):
    """What to publish where, as runs and merges take it."""

    accept_deletions: bool
    index_type: str | None
    keep: int
    store: str | None
    live: bool | None


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
@rules_options
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
    model: str | None,
    engine: str,
    accept_deletions: bool,
    forget: tuple[Path, ...],
    index_type: str | None,
    keep: int,
    live: bool | None,
    rules: RulesChange,
    partition: str | None,
    cpus: int | None,
    cluster: Chosen | None,
    supervised: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Create or update an index of the folders PHOTOS."""
    if supervised:
        end_with_stdin()
    kept_on = shelf(store or index.expanduser())
    model = model_of_run(model, index, kept_on)
    wanted = _Wanted(
        accept_deletions=accept_deletions, index_type=index_type, keep=keep, store=store, live=live
    )
    with reporting(index, verbose=verbose, quiet=quiet, as_json=as_json, store=store) as (reporter, finish):
        if cluster is not None:
            # The merge refuses it, too, but only when everything is embedded.
            kept_on.refuse(index_type, live=bool(live))
            shared = shared_arguments(engine, rules, accept_deletions=accept_deletions)
            with noted(index, model):
                finish(_on_cluster(index, _work(cluster, photos, forget, shared, model), reporter, wanted))
            return
        part = None if partition is None else Partition.parse(partition)
        if part is not None:
            # Published by the merge of all parts.
            wanted |= {"store": None, "live": None}
        if cpus is not None:
            cores.use_at_most(cpus)
        encoder = Encoder.load(model, engine=engine, in_bulk=True)
        _ = encoder.bank  # what is wrong with it is told now, not when all photos are embedded
        if (changed := another_model(index, encoder, kept_on)) is not None:
            _warn(changed)
        with noted(index, model):
            finish(
                run(index, photos, encoder, reporter, forget=forget, change=rules, partition=part, **wanted)
            )


def _work(
    cluster: Chosen, photos: Sequence[Path], forget: Sequence[Path], shared: Sequence[str], model: str
) -> embedding.Work:
    return embedding.Work(
        cluster.address,
        photos,
        forget,
        shared,
        everywhere(model),
        cluster.parts,
        cluster.parts_folder,
        cluster.cpus_per_part,
    )


def _on_cluster(index: Path, work: embedding.Work, reporter: Reporter, wanted: _Wanted) -> Report:
    """Embed all parts on the cluster, and merge them here."""

    def merged(folders: Sequence[Path], accept: bool) -> Report:
        also = wanted.copy()
        also["accept_deletions"] |= accept
        return merge(index, folders, reporter, **also)

    return embedding.embed(index, work, reporter, merged, warn=_warn)


def _warn(line: str) -> None:
    click.secho(shown(line), err=True, fg="yellow")
