"""Read columns of tables: from any version, where those it did not know are NULL, and as arrays of numbers."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray


def selected(
    ask: Callable[[str], Iterable[tuple[Any, ...]]],
    table: str,
    names: Iterable[str],
    instead: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The columns of a SELECT from this table, in this order; `ask` executes a query."""
    there = {name for _, name, *_ in ask(f"PRAGMA table_info({table})")}
    return ", ".join(name if name in there else f"{instead.get(name, 'NULL')} AS {name}" for name in names)


def one_column(rows: Iterable[tuple[Any, ...]]) -> NDArray[np.int64]:
    """The first number of each row, without holding all rows."""
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def two_columns(rows: Iterable[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the second, likewise."""
    both = np.fromiter(chain.from_iterable(rows), dtype=np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()
