"""`sketchseek verify`: check published files against their checksums; with --deep, everything else, too."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from indexer import inspect, shelf
from service.console.options import index_option, store_option


@click.command("verify")
@index_option(required=True)
@store_option
@click.option("--all", "everything", is_flag=True, help="Check all generations, not just the current one.")
@click.option(
    "--deep",
    is_flag=True,
    help="Check everything: all generations, vectors, catalogue, thumbnails, and reports. "
    "Suggests a fix for each finding.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(index: Path, store: str | None, everything: bool, deep: bool, as_json: bool) -> None:
    """Check every byte of the published index. Lists damaged files, and exits with 1 if there are any."""
    if deep and store is None:
        findings = inspect(index)
        _show(
            {str(index): [str(finding) for finding in findings]},
            [asdict(finding) for finding in findings] if as_json else None,
        )
        return
    kept_on = shelf(store or index)
    serving = kept_on.current()
    names = sorted({serving, *kept_on.generations()}) if everything or deep else [serving]
    found = {name: kept_on.verify(name) for name in names}
    _show({f"generation {name}": lines for name, lines in found.items()}, found if as_json else None)


def _show(found: Mapping[str, Sequence[str]], as_json: object) -> None:
    if as_json is not None:
        click.echo(json.dumps(as_json, indent=1))
    else:
        for name, lines in found.items():
            for line in lines or [f"{name}: intact"]:
                click.echo(line)
    if any(found.values()):
        sys.exit(1)
