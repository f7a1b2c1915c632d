"""`sketchseek index`: the batch job, with a progress bar, and what was skipped at the end."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from indexer import INDEX_TYPES, IndexType, Report, run
from model import Encoder
from service.commands import index_option, model_options, shown

SHOWN = 20


@click.command(
    "index",
    epilog="Run it again at any time: only new, changed and deleted photos are worked on. "
    "Without PHOTOS it looks at the folders of earlier runs.",
)
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@index_option(required=True)
@model_options
@click.option("--accept-deletions", is_flag=True, help="Believe that an empty or missing folder is gone.")
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
@click.option("-v", "--verbose", is_flag=True, help=f"List all skipped files, not only {SHOWN}.")
def command(
    photos: tuple[Path, ...],
    index: Path,
    model: str,
    engine: str,
    accept_deletions: bool,
    forget: tuple[Path, ...],
    index_type: IndexType | None,
    keep: int,
    verbose: bool,
) -> None:
    """Bring an index up to date with folders of PHOTOS."""
    started = time.monotonic()
    encoder = Encoder.load(model, engine=engine)
    with _Bar() as bar:
        try:
            report = run(
                index,
                photos,
                encoder,
                bar,
                accept_deletions=accept_deletions,
                forget=forget,
                index_type=index_type,
                keep=keep,
            )
        except KeyboardInterrupt:
            bar.close()
            click.echo("\nStopped. What is done is kept; run the same command again to go on.", err=True)
            sys.exit(130)
    _list_skipped(report, None if verbose else SHOWN)
    _tell(report, index, time.monotonic() - started)
    if report.problems:
        sys.exit(1)


def _list_skipped(report: Report, most: int | None) -> None:
    listed = report.skipped[:most]
    for skipped in listed:
        click.echo(f"skipped {shown(skipped.path)}: {skipped.reason}", err=True)
    if len(report.skipped) > len(listed):
        click.echo(f"... and {len(report.skipped) - len(listed)} more; --verbose lists them all", err=True)


def _tell(report: Report, index: Path, seconds: float) -> None:
    for problem in report.problems:
        click.secho(f"not indexed: {problem}", err=True, fg="red")
    counts = [
        f"{number} {word}"
        for number, word in (
            (report.added, "added"),
            (report.changed, "changed"),
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


class _Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self._bar: click._termui_impl.ProgressBar[int] | None = None
        self._done = 0
        self._started = 0.0

    def begin(self, photos: int) -> None:
        if not sys.stderr.isatty():
            return
        self._started = time.monotonic()
        self._bar = click.progressbar(
            length=photos, label=f"{photos} photos", file=sys.stderr, item_show_func=self._rate, show_pos=True
        )
        self._bar.__enter__()

    def advance(self) -> None:
        if self._bar is not None:
            self._done += 1
            self._bar.update(1, self._done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None

    def _rate(self, done: int | None) -> str | None:
        return f"{done / (time.monotonic() - self._started):.0f}/s" if done else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
