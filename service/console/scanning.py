"""Options of which files to index, which a run remembers; and the same as words for the runs of other machines."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from indexer import RulesChange
from indexer.folders.scan import ScanRules

_REMEMBERED = "{} (.gitignore syntax); repeatable. Later runs remember it; '' resets it."


def rules_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Four options, which the function gets as `rules`."""

    @wraps(function)
    def with_rules(
        *,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        hidden: bool | None,
        follow_links: bool | None,
        **others: Any,
    ) -> Any:
        rules = RulesChange(include or None, exclude or None, hidden, follow_links)
        return function(rules=rules, **others)

    exclusion = click.option(
        "--exclude", multiple=True, metavar="PATTERN", help=_REMEMBERED.format("Skip files that match")
    )
    inclusion = click.option(
        "--include", multiple=True, metavar="PATTERN", help=_REMEMBERED.format("Index only files that match")
    )
    hiding = click.option(
        "--hidden/--no-hidden", default=None, help="Include hidden files; later runs remember it."
    )
    following = click.option(
        "--follow-links/--no-follow-links",
        default=None,
        help="Follow symbolic links that stay within the photo folders; later runs remember it.",
    )
    return exclusion(inclusion(hiding(following(with_rules))))


def as_arguments(rules: RulesChange) -> list[str]:
    """The options that mean these rules; raises IndexProblem for a pattern that is none."""
    rules.apply(ScanRules())
    found = _repeated("--include", rules.include) + _repeated("--exclude", rules.exclude)
    if rules.hidden is not None:
        found.append("--hidden" if rules.hidden else "--no-hidden")
    if rules.follow_links is not None:
        found.append("--follow-links" if rules.follow_links else "--no-follow-links")
    return found


def _repeated(option: str, values: Sequence[str] | None) -> list[str]:
    return [f"{option}={value}" for value in values or ()]
