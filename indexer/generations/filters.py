"""Conditions as SQL for SQLite."""

from json import dumps

from indexer.conditions import Compare, Condition, Every, OneOf


def in_sql(wanted: Condition) -> tuple[str, list[str | int]]:
    """A condition, and its parameters."""
    if isinstance(wanted, Compare):
        return f"{wanted.column} {wanted.operator} ?", [wanted.value]
    if isinstance(wanted, OneOf):
        # One parameter, however many there are. The column's collation applies, and so does its index.
        word = "NOT IN" if wanted.negated else "IN"
        values = "(SELECT value FROM json_each(?))"
        return f"{wanted.column} {word} {values}", [dumps(wanted.values)]
    joint, none = ("AND", "TRUE") if isinstance(wanted, Every) else ("OR", "FALSE")
    parts = [in_sql(part) for part in wanted.of]
    given = [value for _, found in parts for value in found]
    return f"({f' {joint} '.join(text for text, _ in parts)})" if parts else none, given
