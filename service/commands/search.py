"""`sketchseek search`: find photos by a drawing, a photo, words or a mix, in an index or through a service."""

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.console.options import Decorator, Place, flag, index_option, model_options, shown, store_option
from service.console.sources import PARTS, Found, Kept, Shown, from_index, from_service
from service.model_choice import chosen_model
from service.search.parameters import FILTERS, PARAMETERS, Parameter
from service.settings_file import named_index

if TYPE_CHECKING:
    from service.console.terminal import Pictures

# Defaults that differ from the page's: a terminal shows fewer.
_DEFAULTS = {"k": 10}
# Settings that the service has, too.
_ENVIRONMENT = {"rank": "SKETCHSEEK_RANK"}


def _option(name: str, parameter: Parameter[Any]) -> Decorator:
    """Make a command-line option of a search parameter; the default is None unless listed."""
    default = _DEFAULTS.get(name)
    shown = default or (None if parameter.kind is bool else parameter.default)
    bounds = None if parameter.least is None else f"from {parameter.least:g} to {parameter.most:g}"
    notes = "; ".join(filter(None, (bounds, None if shown is None else f"default: {shown}")))
    return click.option(
        flag(name),
        type=parameter.kind,
        is_flag=parameter.kind is bool,
        default=default,
        metavar=parameter.metavar,
        envvar=_ENVIRONMENT.get(name),
        show_envvar=True,
        help=parameter.description + (f"  [{notes}]" if notes else ""),
    )


def _query_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(PARAMETERS.names):
        function = _option(name, PARAMETERS.load(name))(function)
    return click.option("--photo", type=Place(), help="A photo of what you are looking for.")(function)


# More arguments are words that were not quoted.
@click.command("search", context_settings={"allow_extra_args": True})
@click.argument("sketch", type=Place(), required=False)
@index_option()
@store_option
@click.option("--server", metavar="URL", help="Search through a running service instead of an index folder.")
@click.option(
    "--key", envvar="SKETCHSEEK_KEY", show_envvar=True, help="API key, if the service requires one."
)
@_query_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option(
    "--thumbnails",
    type=click.Choice(("auto", "kitty", "iterm", "sixel", "none")),
    default="auto",
    show_default=True,
    help="Show thumbnails in the terminal, using this protocol.",
)
@click.option("--fail-if-none", is_flag=True, help="Exit with 1 if no photo is found.")
@click.option("--open", "open_best", is_flag=True, help="Open the best photo in your picture viewer.")
@model_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    index: Path | None,
    store: str | None,
    server: str | None,
    key: str | None,
    as_json: bool,
    thumbnails: str,
    fail_if_none: bool,
    open_best: bool,
    model: str | None,
    engine: str,
    **query: Any,
) -> None:
    """Find photos of what the drawing SKETCH shows. Combine it with a photo, words, or both, or use those alone.

    Best matches come first, each with its score, how likely it is right, and its path; the order also weighs what
    the photos around them show. With nothing but filters, such as --folder or --after, list the photos that pass
    them, newest first.
    """
    asked = {name: value for name, value in query.items() if value is not None}
    _refuse_words(asked.get("sketch"), ctx.args)
    _refuse_nothing(asked)
    kind = "none" if as_json else _protocol(thumbnails)
    if server is not None:
        found = from_service(server, key, asked, pictures=kind != "none")
    else:
        from indexer import shelf

        place = index or named_index()
        library = shelf(store or place.expanduser())
        chosen = chosen_model(model, place, library)
        found = from_index(Kept(place, library), chosen, engine, asked, pictures=kind != "none")
    for remark in filter(None, (found.remark, _remark(found, asked))):
        click.echo(remark, err=True)
    if as_json:
        rows = [one.row | {"nothing_close": found.nothing_close} for one in found.photos]
        click.echo(json.dumps(rows, indent=1))
    else:
        rated = any(one.row.get("relevance") is not None for one in found.photos)
        for one in found.photos:
            _show(one, kind, rated=rated, may_be_gone=server is None)
    if open_best and found.photos and click.launch(found.photos[0].row["url" if server else "path"]):
        raise click.ClickException("no picture viewer could be started; open the file by hand")
    if fail_if_none and not found.photos:
        ctx.exit(1)


def _refuse_words(sketch: Path | None, more: Sequence[str]) -> None:
    """Explain how to search by words if the drawing is no file, but looks like some."""
    if sketch is not None and not sketch.exists():
        words = " ".join([str(sketch), *more])
        by_words = f"; to search by words: sketchseek search --text {shlex.quote(words)}"
        looks_like_words = bool(more) or (sketch.name == str(sketch) and not sketch.suffix)
        raise click.ClickException(shown(f"{sketch}: no such file{by_words if looks_like_words else ''}"))
    if more:
        raise click.UsageError(shown(f"one drawing at a time, without {' '.join(more)}"))


def _refuse_nothing(asked: Mapping[str, Any]) -> None:
    if not any(asked.get(name) for name in PARTS + FILTERS):
        raise click.ClickException(
            "nothing to search for: name a drawing, or use --strokes, --text, --photo, or --like"
        )


def _protocol(wanted: str) -> "Pictures":
    if wanted == "none" or (wanted == "auto" and not sys.stdout.isatty()):
        return "none"
    from service.console.terminal import chosen

    return chosen(wanted, sys.stdout)


def _remark(found: Found, asked: Mapping[str, Any]) -> str:
    """What people should know of the photos, or why there are none."""
    if found.photos and found.total is not None:
        return f"{len(found.photos)} of {found.total} photos" if len(found.photos) < found.total else ""
    if found.photos:
        remark = "nothing close: probably no photo shows this; these come nearest"
        return remark if found.nothing_close else ""
    narrowing = [
        f"{flag(name)} {shlex.quote(str(asked[name]))}"
        for name in PARAMETERS
        if name in asked and PARAMETERS.load(name).narrows and asked[name] != PARAMETERS.load(name).default
    ]
    if not narrowing:
        return "nothing found: the index holds no photos yet"
    advice = "leave it out or relax it" if len(narrowing) == 1 else "leave one out or relax it"
    return shown(f"nothing found: no photo passes {' and '.join(narrowing)}; {advice}")


def _show(found: Shown, kind: "Pictures", *, rated: bool, may_be_gone: bool) -> None:
    path = Path(found.row["path"])
    if found.thumbnail:
        from model import decode
        from service.console.terminal import render

        click.echo(render(decode(found.thumbnail).image, kind), nl=False, color=True)
    gone = "  (gone since it was indexed)" if may_be_gone and not path.exists() else ""
    relevance = found.row.get("relevance")
    rating = f"{'' if relevance is None else format(relevance, '.0%'):>4}  " if rated else ""
    score = f"{found.row['score']:6.3f}  " if "score" in found.row else ""
    click.echo(f"{score}{rating}{shown(path)}{gone}")
