"""Shared by the commands: options, path arguments, and paths for the terminal."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from model.engines import NAMES
from model.errors import NoEngine
from service.named import given, place
from service.settings_file import named_index, named_store

_DEFAULT_INDEX = "the one in the settings file, ./index, or sketchseek/index in your data folder"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def shown(path: Path | str) -> str:
    """A path or another text for the terminal, with line breaks and control characters escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in str(path)
    )


def flag(name: str) -> str:
    """The option of a search parameter."""
    return f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"


def needs(doing: str, *modules: str) -> None:
    """Raise an error with the command that fixes it if a package of the `train` extra is missing."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise NoEngine(f"{doing} needs {module}: pip install 'sketchseek[cpu,train]'")


class Place(click.Path):
    """A path option or argument. Refuses empty ones, such as an unset "$PHOTOS"."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(path_type=Path, **rules)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            given(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


def _expanded(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    try:
        return value and place(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


def _expanded_or_default(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None:
        return _expanded(ctx, parameter, value)
    if ctx.resilient_parsing:
        return None
    return named_index()


def index_option(*, required: bool = False, **extra: Any) -> Decorator:
    """The index folder; if a command cannot do without, the one that `sketchseek serve` would use by default."""
    return click.option(
        "--index",
        "index",
        type=Place(file_okay=False),
        envvar="SKETCHSEEK_INDEX",
        show_envvar=True,
        callback=_expanded_or_default if required else _expanded,
        help=f"The index folder.  [default: {_DEFAULT_INDEX}]",
        **extra,
    )


def _store_or_default(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    if value or ctx.resilient_parsing:
        return value or None
    return named_store()


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """A library on a server; for commands that also know an index folder."""
    return _store_option(callback=_store_or_default)(function)


def store_option_alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for commands that read the settings by themselves."""
    return _store_option()(function)


def _store_option(**extra: Any) -> Decorator:
    return click.option(
        "--store",
        metavar="ADDRESS",
        envvar="SKETCHSEEK_STORE",
        show_envvar=True,
        help="A library on a server, such as milvus://HOST:19530/NAME, instead of one in the index folder.",
        **extra,
    )


def live_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--live/--no-live",
        default=None,
        help="With --store: change the published generation in place, and send only what differs; there is no rollback "
        "then. Later runs keep it.",
    )(function)


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    model = click.option(
        "--model",
        envvar="SKETCHSEEK_MODEL",
        show_envvar=True,
        help="Name of a shipped model (lite, or lite-plus: stronger and half as fast), or a folder with a card.json.  "
        "[default: the one in the settings file, the one that made the index, or lite]",
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


def learned_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where the pictures are that a model learned from, and which labels it did not."""
    root = click.option(
        "--root", type=Place(), help="Folder of the manifest's images.  [default: the manifest's own]"
    )
    splits = click.option(
        "--splits",
        metavar="FILE_OR_NAME",
        help="Leave out the labels that `sketchseek train --splits` would leave out.",
    )
    return root(splits(function))
