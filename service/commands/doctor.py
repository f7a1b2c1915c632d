"""`sketchseek doctor`: check the setup and suggest fixes."""

import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click
from pydantic import ValidationError

from indexer import Shelf, shelf
from model import SketchseekError
from service.console.checks import Asked, Finding, State, findings
from service.console.options import index_option, model_options, store_option_alone
from service.model_choice import model_for
from service.named import BadName
from service.settings import Settings, access, said, variable_of

_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "note": ("note", "yellow"),
    "wrong": ("WRONG", "red"),
}


@click.command("doctor")
@index_option()
@store_option_alone
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@model_options
def command(index: Path | None, store: str | None, as_json: bool, model: str | None, engine: str) -> None:
    """Check your setup and suggest fixes.

    Exits with 1 if something is wrong, including all that `sketchseek status` finds. Notes are harmless.
    """
    settings, unread = _settings()
    settings = settings.model_copy(update={"store": store or settings.store})
    found = [("settings", finding) for finding in unread]
    chosen = model_for(model or settings.model, index or settings.index, _server(settings))
    others = findings(Asked(index, chosen, engine, settings))
    # With wrong settings it would not serve at all, whatever those that are assumed instead would do.
    found += [one for one in others if not (unread and one[0] == "settings" and one[1].state != "wrong")]
    if as_json:
        click.echo(json.dumps([{"check": name, **asdict(finding)} for name, finding in found], indent=1))
    else:
        for name, finding in found:
            _show(name, finding)
    if any(finding.state == "wrong" for _, finding in found):
        sys.exit(1)


def _server(settings: Settings) -> Shelf | None:
    """Where the library is, if not in the index folder; one of the checks says why it cannot be reached."""
    with suppress(SketchseekError):
        return shelf(settings.store, access=access(settings)) if settings.store else None
    return None


def _settings() -> tuple[Settings, list[Finding]]:
    """Read the settings; if they are invalid, return the defaults and what is wrong."""
    try:
        return Settings(), []
    except ValidationError as error:
        return Settings.model_construct(), [
            Finding("wrong", f"{_named(each['loc'])}: {said(each)}", _remedy(each["loc"]))
            for each in error.errors()
        ]
    except BadName as error:
        return Settings.model_construct(), [Finding("wrong", str(error))]


def _named(where: tuple[int | str, ...]) -> str:
    """The variable, or what stands in the settings file if it is not set."""
    variable = variable_of("_".join(map(str, where)))
    return variable or f"`{'.'.join(map(str, where))}` in the settings file"


def _remedy(where: tuple[int | str, ...]) -> str:
    variable = variable_of("_".join(map(str, where)))
    return f"unset {variable}, or fix it" if variable else "fix it there, or remove the line"


def _show(name: str, finding: Finding) -> None:
    mark, colour = _MARKS[finding.state]
    click.echo(f"{click.style(f'{mark:6}', fg=colour)}{name:10} {finding.text}")
    if finding.mend:
        click.echo(f"{'':17}-> {finding.mend}")
