"""The commands of `sketchseek`, one module each, and the options that they share."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from model.engines import NAMES
from model.errors import NoEngine

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def shown(path: Path) -> str:
    """A path for the terminal: line breaks and control codes in names are spelled out, not obeyed."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in str(path)
    )


def needs(doing: str, *modules: str) -> None:
    """Refuses, with the command that mends it, where one of the extra `train` is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise NoEngine(f"{doing} needs {module}: pip install 'sketchseek[cpu,train]'")


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
