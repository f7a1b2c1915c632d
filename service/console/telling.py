"""Progress, summary, and exit status of a job on an index, for people or machines; shared by its commands."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from indexer import Report
from indexer.jobs.stopping import Interrupted
from indexer.reports.progress import Bar, JsonLines, Lines, Reporter, Silent
from model import SketchseekError
from service.console.options import shown
from service.ops import signals

SHOWN = 20


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    verbose = click.option(
        "-v", "--verbose", is_flag=True, help=f"List all skipped files, not just the first {SHOWN}."
    )
    quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
    return verbose(quiet(as_json(function)))


@contextmanager
def reporting(
    index: Path, *, verbose: bool, quiet: bool, as_json: bool, store: str | None = None
) -> Iterator[tuple[Reporter, Callable[[Report], None]]]:
    """Yield the job's progress reporter, and a function for its final report. Exits with 1 if that has problems."""
    lines = JsonLines(sys.stdout) if as_json else None
    problems: list[str] = []

    def finish(report: Report) -> None:
        problems.extend(report.problems)
        if lines:
            lines.event("done", **report.plain())
        elif not quiet:
            _list_skipped(report, None if verbose else SHOWN)
            _summarize(report, index, store)

    try:
        with signals.raising(Interrupted):
            yield lines or _reporter(quiet), finish
    except Interrupted as stopped:
        signals.keep_work()
        signals.say()
        if lines:
            lines.event("stopped", signal=str(stopped))
        sys.exit(128 + stopped.number)
    except SketchseekError as error:
        if lines:
            lines.event("failed", error=str(error))
        raise
    if (number := signals.heard()) is not None:
        # It arrived too late, or where exceptions get lost: all the work is done.
        signals.end(number)
    for problem in problems:
        click.secho(f"not indexed: {problem}", err=True, fg="red")
    if problems:
        sys.exit(1)


def _reporter(quiet: bool) -> Reporter:
    if quiet:
        return Silent()
    return Bar(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)


def _list_skipped(report: Report, most: int | None) -> None:
    listed = report.skipped[:most]
    for skipped in listed:
        click.echo(f"skipped {shown(skipped.path)}: {skipped.reason}", err=True)
    if len(report.skipped) > len(listed):
        click.echo(f"... and {len(report.skipped) - len(listed)} more; --verbose lists them all", err=True)


def _summarize(report: Report, index: Path, store: str | None) -> None:
    for what in report.healed:
        click.echo(f"healed: {what}")
    rate = f", {report.rate:.0f} photos/s" if report.rate else ""
    click.echo(f"{report.counts()} ({report.seconds:.1f} s{rate})")
    if report.partition:
        click.echo(f"{index}: part {report.partition} with {report.photos} photos, ready to merge")
    else:
        state = "published" if report.published else "unchanged:"
        click.echo(f"{store or index}: {state} generation {report.generation} with {report.photos} photos")
