"""Conditions as SQL for SQLite."""

from json import dumps

from indexer.conditions import Compare, Condition, Every, OneOf


def in_sql(wanted: Condition) -> tuple[str, list[str | int]]:
    """A condition, and its parameters."""
    if isinstance(wanted, Compare):
        return f"{wanted.column} {wanted.operator} ?", [wanted.value]
    if isinstance(wanted, OneOf):
        # One parameter, however many there are. The column's collation applies, and so does its index.
        listed = f"{wanted.column} {'NOT IN' if wanted.negated else 'IN'} (SELECT value FROM json_each(?))"
        return listed, [dumps(wanted.values)]
    word, none = ("AND", "TRUE") if isinstance(wanted, Every) else ("OR", "FALSE")
    parts = [in_sql(part) for part in wanted.of]
    values = [value for _, found in parts for value in found]
    return f"({f' {word} '.join(text for text, _ in parts)})" if parts else none, values
