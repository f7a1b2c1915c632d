"""`--config job.toml`: the options of a command from a file, so that a nightly job needs no long command line.

What is given on the command line goes before the environment, and that before the file. Paths are taken from
where the file lies.
"""

import tomllib
from pathlib import Path
from typing import Any

import click

from model.links import DOCS
from service.console.options import Place
from service.named import BadName, place, text_in

# To be said by a person who has looked, never by a job that runs every night.
NEVER = frozenset(("accept_deletions", "forget", "config"))


def config_option(function: Any) -> Any:
    return click.option(
        "--config",
        type=Place(exists=True, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="Read options from this TOML file; options on the command line override it.",
    )(function)


def _read(context: click.Context, _: click.Parameter, file: Path | None) -> None:
    if file is None:
        return
    try:
        found = tomllib.loads(text_in(file, "the job file"))
    except BadName as error:
        raise click.UsageError(str(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"{file}: not a TOML file: {error}") from None
    if not found:
        raise click.UsageError(f"{file}: the job file holds no option; {DOCS}/indexing.md shows one")
    known = {_said(parameter): parameter for parameter in context.command.params}
    allowed = sorted(known.keys() - NEVER)
    values = {key.replace("-", "_"): value for key, value in found.items()}
    for name in values:
        if name not in allowed:
            said = "is for the command line only" if name in NEVER else "is no option of this command"
            raise click.UsageError(f"{file}: {name!r} {said}; it may have: {', '.join(allowed)}")
    context.default_map = {
        str(known[name].name): _placed(known[name], value, file) for name, value in values.items()
    }


def _said(parameter: click.Parameter) -> str:
    """The option as it is spelled, or the argument's name."""
    long = next((name for name in parameter.opts if name.startswith("--")), parameter.opts[0])
    return long.lstrip("-").replace("-", "_")


def _placed(parameter: click.Parameter, value: object, file: Path) -> object:
    """Several values where the option takes several; relative paths from the file's folder."""
    many = parameter.nargs == -1 or parameter.multiple
    if many != isinstance(value, list):
        wanted = "a list" if many else "one value, not a list"
        raise click.UsageError(f"{file}: {parameter.name!r} takes {wanted}")
    if not isinstance(parameter.type, click.Path):
        return value
    parts = value if isinstance(value, list) else [value]
    try:
        paths = [str(file.resolve().parent / place(str(part))) for part in parts]
    except ValueError as error:
        raise click.UsageError(f"{file}: {parameter.name!r} {error}") from None
    return paths if many else paths[0]
