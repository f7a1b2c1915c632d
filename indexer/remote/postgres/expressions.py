"""Conditions as SQL for PostgreSQL."""

from typing import Any

from indexer.conditions import Compare, Condition, OneOf, as_sql
from indexer.remote.rows import lowered


def in_postgres(wanted: Condition) -> tuple[str, list[Any]]:
    """A condition, and its parameters."""
    return as_sql(wanted, _spelled)


def _spelled(wanted: Compare | OneOf) -> tuple[str, list[Any]]:
    column = wanted.column
    if isinstance(wanted, OneOf):
        # PostgreSQL stores no NUL, so nothing equals a text with one.
        values = [value for value in wanted.values if isinstance(value, int) or "\0" not in value]
        if column == "camera":
            column, values = "camera_key", [lowered(str(value)) for value in values]
        return f"{column} <> ALL (%s)" if wanted.negated else f"{column} = ANY (%s)", [values]
    if isinstance(wanted.value, int) or "\0" not in wanted.value:
        return f"{column} {wanted.operator} %s", [wanted.value]
    if wanted.operator == "=":
        return "FALSE", []
    # Between what precedes the NUL and the whole, there is nothing.
    return f"{column} {'<=' if wanted.operator == '<' else '>'} %s", [wanted.value.partition("\0")[0]]
