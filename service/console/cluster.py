"""`sketchseek index --ray`: its options, and the options of each part's run on a node."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from indexer import RulesChange
from service.console.options import Place
from service.console.scanning import as_arguments

# Options that only make sense with a cluster, and the one that makes no sense with it.
_ONLY_WITH = {"parts": "--parts", "parts_folder": "--parts-folder", "cpus_per_part": "--cpus-per-part"}
_NEVER_WITH = {"partition": "--partition", "cpus": "--cpus"}


@dataclass(frozen=True)
class Chosen:
    """A Ray cluster, and how to use it."""

    address: str
    parts: int | None
    parts_folder: Path | None
    cpus_per_part: int | None


def cluster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Four options, which the function gets as `cluster`: what was chosen, or None without --ray."""

    @wraps(function)
    def with_cluster(
        *,
        ray: str | None,
        parts: int | None,
        parts_folder: Path | None,
        cpus_per_part: int | None,
        **others: Any,
    ) -> Any:
        _check_options(click.get_current_context().params)
        chosen = None if ray is None else Chosen(ray, parts, parts_folder, cpus_per_part)
        return function(cluster=chosen, **others)

    address = click.option(
        "--ray",
        metavar="ADDRESS",
        help="Embed on the Ray cluster at this address (HOST:PORT, or auto for the one that this machine belongs to), "
        "then merge the result into the index.",
    )
    parts = click.option(
        "--parts",
        type=click.IntRange(1, 999_999),
        help="With --ray: how many parts to make; later runs keep it.  [default: four for each that can run at a time]",
    )
    folder = click.option(
        "--parts-folder",
        type=Place(file_okay=False),
        help="With --ray: where to keep the parts, on storage that all nodes share.  [default: parts, in the index]",
    )
    cpus = click.option(
        "--cpus-per-part",
        type=click.IntRange(1),
        help="With --ray: CPUs of a node for each part.  [default: those of the smallest node, 8 at most]",
    )
    return address(parts(folder(cpus(with_cluster))))


def _check_options(values: Mapping[str, object]) -> None:
    """Raise UsageError for options that do not go together."""
    with_ray = values["ray"] is not None
    for name, option in (_NEVER_WITH if with_ray else _ONLY_WITH).items():
        if values[name] is not None:
            raise click.UsageError(
                f"{option} cannot be used with --ray" if with_ray else f"{option} needs --ray"
            )


def shared_arguments(engine: str, rules: RulesChange, *, accept_deletions: bool) -> list[str]:
    """The options of `sketchseek index` that all parts share; raises IndexProblem for a pattern that is none."""
    deletions = ["--accept-deletions"] if accept_deletions else []
    return ["--engine", engine, *as_arguments(rules), *deletions]


def everywhere(model: str) -> str:
    """A model as all nodes understand it: a name, or the full path of a folder."""
    path = Path(model)
    return str(path.resolve()) if (path / "card.json").is_file() else model
