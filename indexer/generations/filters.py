"""Conditions as SQL for SQLite."""

from json import dumps

from indexer.conditions import Compare, Condition, OneOf, as_sql


def in_sql(wanted: Condition) -> tuple[str, list[str | int]]:
    """A condition, and its parameters."""
    return as_sql(wanted, _spelled)


def _spelled(wanted: Compare | OneOf) -> tuple[str, list[str | int]]:
    if isinstance(wanted, Compare):
        return f"{wanted.column} {wanted.operator} ?", [wanted.value]
    # One parameter, however many there are. The column's collation applies, and so does its index.
    word, values = "NOT IN" if wanted.negated else "IN", "(SELECT value FROM json_each(?))"
    return f"{wanted.column} {word} {values}", [dumps(wanted.values)]
