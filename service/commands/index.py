"""`sketchseek index`: the batch job, how far it is for people and machines, and what was skipped at the end."""

import dataclasses
import signal
import sys
import time
from pathlib import Path

import click

from indexer import INDEX_TYPES, IndexType, Report, RulesChange, run
from indexer.progress import Bar, JsonLines, Lines, Reporter, Silent
from indexer.stopping import SIGNALS, Interrupted, interrupt
from model import Encoder, SketchseekError
from service.commands import index_option, model_options, shown
from service.commands.job_file import config_option

SHOWN = 20
_REMEMBERED = "{}, as in .gitignore; repeatable. Later runs do so, too, until it is given anew ('' for none)."


@click.command(
    "index",
    epilog="Run it again at any time: only new, changed and deleted photos are worked on. "
    "Without PHOTOS it looks at the folders of earlier runs.",
)
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@config_option
@index_option(required=True)
@model_options
@click.option("--accept-deletions", is_flag=True, help="Believe that missing photos are deleted.")
@click.option(
    "--forget", multiple=True, type=click.Path(path_type=Path), help="Take this folder out of the index."
)
@click.option(
    "--index-type",
    type=click.Choice(INDEX_TYPES),
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
@click.option("-v", "--verbose", is_flag=True, help=f"List all skipped files, not only {SHOWN}.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for machines.")
def command(
    photos: tuple[Path, ...],
    index: Path,
    model: str,
    engine: str,
    accept_deletions: bool,
    forget: tuple[Path, ...],
    index_type: IndexType | None,
    keep: int,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    hidden: bool | None,
    follow_links: bool | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring an index up to date with folders of PHOTOS."""
    started = time.monotonic()
    lines = JsonLines(sys.stdout) if as_json else None
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        encoder = Encoder.load(model, engine=engine)
        reporter = lines or _reporter(quiet)
        report = run(
            index,
            photos,
            encoder,
            reporter,
            accept_deletions=accept_deletions,
            forget=forget,
            index_type=index_type,
            keep=keep,
            change=RulesChange(include or None, exclude or None, hidden, follow_links),
        )
    except Interrupted as stopped:
        click.echo("Stopped. What is done is kept; run the same command again to go on.", err=True)
        if lines:
            lines.event("stopped", signal=str(stopped))
        sys.exit(128 + stopped.number)
    except SketchseekError as error:
        if lines:
            lines.event("failed", error=str(error))
        raise
    seconds = time.monotonic() - started
    if lines:
        lines.event("done", seconds=round(seconds, 2), **_plain(report))
    elif not quiet:
        _list_skipped(report, None if verbose else SHOWN)
        _tell(report, index, seconds)
    for problem in report.problems:
        click.secho(f"not indexed: {problem}", err=True, fg="red")
    if report.problems:
        sys.exit(1)


def _reporter(quiet: bool) -> Reporter:
    if quiet:
        return Silent()
    return Bar(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)


def _plain(report: Report) -> dict[str, object]:
    """The report as JSON can hold it."""
    skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in report.skipped]
    return {**dataclasses.asdict(report), "skipped": skipped}


def _list_skipped(report: Report, most: int | None) -> None:
    listed = report.skipped[:most]
    for skipped in listed:
        click.echo(f"skipped {shown(skipped.path)}: {skipped.reason}", err=True)
    if len(report.skipped) > len(listed):
        click.echo(f"... and {len(report.skipped) - len(listed)} more; --verbose lists them all", err=True)


def _tell(report: Report, index: Path, seconds: float) -> None:
    counts = [
        f"{number} {word}"
        for number, word in (
            (report.added, "added"),
            (report.changed, "changed"),
            (report.moved, "moved"),
            (report.removed, "removed"),
            (report.unchanged, "unchanged"),
            (len(report.skipped), "skipped"),
        )
        if number
    ]
    state = "published" if report.published else "unchanged:"
    rate = f", {report.embedded / seconds:.0f} photos/s" if report.embedded else ""
    click.echo(f"{', '.join(counts) or 'nothing to do'} ({seconds:.1f} s{rate})")
    click.echo(f"{index}: {state} generation {report.generation} with {report.photos} photos")
