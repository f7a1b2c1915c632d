"""`sketchseek verify`: every byte of what was published, against its checksums."""

import json
import sys
from pathlib import Path

import click

from indexer.generation import current, damage, generations
from service.commands import index_option


@click.command("verify")
@index_option(required=True)
@click.option("--all", "everything", is_flag=True, help="Check all generations, not only the current one.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for programs.")
def command(index: Path, everything: bool, as_json: bool) -> None:
    """Check every byte of the published index. Ends with 1, and a line for each bad file, if any is bad."""
    serving = current(index)
    folders = sorted({serving, *generations(index)}) if everything else [serving]
    found = {folder.name: damage(folder) for folder in folders}
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        for name, problems in found.items():
            for problem in problems:
                click.echo(problem)
            if not problems:
                click.echo(f"generation {name}: intact")
    if any(found.values()):
        sys.exit(1)
