"""Read tables that an older version made: columns that it did not know yet are NULL, or what stands for them."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any


def selected(
    ask: Callable[[str], Iterable[tuple[Any, ...]]],
    table: str,
    names: Iterable[str],
    instead: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The columns of a SELECT from this table, in this order; `ask` executes a query."""
    there = {name for _, name, *_ in ask(f"PRAGMA table_info({table})")}
    return ", ".join(name if name in there else f"{instead.get(name, 'NULL')} AS {name}" for name in names)
