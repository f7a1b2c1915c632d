"""The commands of `sketchseek`, one module each, and the options that they share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from model.engines import NAMES

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def shown(path: Path) -> str:
    """A path for the terminal: line breaks and control codes in names are spelled out, not obeyed."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in str(path)
    )


def _expanded(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    return value and value.expanduser()


def index_option(**extra: Any) -> Decorator:
    return click.option(
        "--index",
        "index",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="SKETCHSEEK_INDEX",
        show_envvar=True,
        callback=_expanded,
        help="The index folder.",
        **extra,
    )


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    model = click.option(
        "--model",
        default="lite",
        envvar="SKETCHSEEK_MODEL",
        show_envvar=True,
        show_default=True,
        help="A shipped model's name, or a folder with a card.json.",
    )
    engine = click.option(
        "--engine",
        type=click.Choice(NAMES),
        default="auto",
        envvar="SKETCHSEEK_ENGINE",
        show_envvar=True,
        show_default=True,
        help="What runs the model.",
    )
    return model(engine(function))
