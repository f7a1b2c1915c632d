"""`sketchseek status`: show the state of an index and any problems."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from indexer import Status, status
from indexer.reports.report import skipped_total
from service.console.options import index_option, shown


@click.command("status")
@index_option(required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(index: Path, as_json: bool) -> None:
    """Show the state of an index.

    Exits with 1 if something is wrong: a damaged file, a photo folder that is missing or empty, a last run that failed,
    left something out, or was killed, or a rollback that keeps runs from publishing.
    """
    found = status(index)
    if as_json:
        click.echo(json.dumps(found.plain(), indent=1))
    else:
        _show(found)
    if found.problems:
        sys.exit(1)


def _show(found: Status) -> None:
    recall = f", recall@10 {found.recall:.3f}" if found.recall is not None else ""
    serves = f"{found.generation or 'none intact'} of {', '.join(found.generations) or 'none'}"
    rows = {
        "photos": str(found.photos),
        "generation": f"none, it is part {found.part} of a library" if found.part else serves,
        "published": found.published or "never",
        "model": found.model or "none",
        "index": f"{found.index_type or 'none'}{recall}",
        "local parts": f"of {found.with_parts} photos" if found.parts else "none",
        "on disk": ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in found.size.items()),
        "last run": "in progress" if found.running else found.last_run or "never",
    }
    if found.report is not None:
        rows["result"] = _last_run(found.report)
    for name, text in rows.items():
        click.echo(f"{name:12}{text}")
    for problem in found.problems:
        click.secho(shown(f"problem: {problem}"), err=True, fg="red")


def _last_run(report: dict[str, Any]) -> str:
    """The last run's report in one line, whichever version of sketchseek wrote it."""
    counts = {name: report.get(name) for name in ("added", "changed", "moved", "removed", "unchanged")}
    counts["skipped"] = skipped_total(report)
    did = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no changes"
    return f"{did}; {report.get('state')} after {report.get('seconds')} s (details in reports/last.txt)"
