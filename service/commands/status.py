"""`sketchseek status`: show the state of an index and any problems."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer import Status, status
from indexer.reports.report import skipped_total
from service.console.options import index_option, shown, store_option

if TYPE_CHECKING:
    from indexer.remote.status import StoreStatus


@click.command("status")
@index_option(required=True)
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(index: Path, store: str | None, as_json: bool) -> None:
    """Show the state of an index.

    Exits with 1 if something is wrong: a damaged file, a photo folder that is missing or empty, a last run that failed,
    left something out, or was killed, or a rollback that keeps runs from publishing.
    """
    if store is not None:
        # Imported late: most have no server, and do without its client.
        from indexer.remote.status import store_status

        kept = store_status(store)
        _tell(kept.plain(), _rows_of_store(kept), kept.problems, as_json)
    else:
        found = status(index)
        _tell(found.plain(), _rows(found), found.problems, as_json)


def _tell(plain: dict[str, Any], rows: dict[str, str], problems: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(plain, indent=1))
    else:
        for name, text in rows.items():
            click.echo(f"{name:12}{text}")
        for problem in problems:
            click.secho(shown(f"problem: {problem}"), err=True, fg="red")
    if problems:
        sys.exit(1)


def _rows_of_store(found: "StoreStatus") -> dict[str, str]:
    recall = "" if found.recall is None else f", recall@10 {found.recall:.3f}"
    filtered = "" if found.filtered_recall is None else f", with filters {found.filtered_recall:.3f}"
    live = ", live: changed in place" if found.live else ""
    return {
        "store": found.store,
        "server": found.server,
        "photos": str(found.photos),
        "generation": f"{found.generation or 'none intact'} of {', '.join(found.generations) or 'none'}{live}",
        "published": found.published or "never",
        "model": found.model or "none",
        "index": f"{found.index_type or 'none'}{recall}{filtered}",
        "local parts": f"of {found.with_parts} photos" if found.with_parts else "none",
    }


def _rows(found: Status) -> dict[str, str]:
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
    return rows


def _last_run(report: dict[str, Any]) -> str:
    """The last run's report in one line, whichever version of sketchseek wrote it."""
    counts = {name: report.get(name) for name in ("added", "changed", "moved", "removed", "unchanged")}
    counts["skipped"] = skipped_total(report)
    did = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no changes"
    return f"{did}; {report.get('state')} after {report.get('seconds')} s (details in reports/last.txt)"
