"""`--config job.toml`: options of a command from a file, so that a nightly job needs no long command line.

The command line overrides the environment, which overrides the file. Paths are relative to the file.
"""

import tomllib
from pathlib import Path
from typing import Any

import click

from model.links import DOCS
from service.console.options import Place
from service.named import BadName, place, text_in

# Decisions for a person, never for a job that runs every night.
NEVER = frozenset(("accept_deletions", "forget", "config"))


def config_option(function: Any) -> Any:
    return click.option(
        "--config",
        type=Place(exists=True, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="Read options from this TOML file; options on the command line override it. "
        f"An example: {DOCS}/examples/job.toml",
    )(function)


def _read(context: click.Context, _: click.Parameter, file: Path | None) -> None:
    if file is None:
        return
    try:
        found = tomllib.loads(text_in(file, "the job file"))
    except BadName as error:
        raise click.UsageError(str(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"{file}: not valid TOML: {error}") from None
    if not found:
        raise click.UsageError(f"{file}: the job file has no options; {DOCS}/indexing.md shows an example")
    known = {_spelling(parameter): parameter for parameter in context.command.params}
    allowed = sorted(known.keys() - NEVER)
    values = {key.replace("-", "_"): value for key, value in found.items()}
    for name in values:
        if name not in allowed:
            problem = (
                "is allowed on the command line only" if name in NEVER else "is not an option of this command"
            )
            raise click.UsageError(f"{file}: {name!r} {problem}; allowed: {', '.join(allowed)}")
    context.default_map = {
        str(known[name].name): _placed(known[name], value, file) for name, value in values.items()
    }


def _spelling(parameter: click.Parameter) -> str:
    """The option as spelled on the command line, or the argument's name."""
    long = next((name for name in parameter.opts if name.startswith("--")), parameter.opts[0])
    return long.lstrip("-").replace("-", "_")


def _placed(parameter: click.Parameter, value: object, file: Path) -> object:
    """Check whether the value should be a list, and resolve paths relative to the file."""
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
