"""Conditions as boolean expressions of Milvus."""

from indexer.conditions import Compare, Condition, Every, OneOf, Value
from indexer.remote.rows import lowered

_OPERATORS = {"=": "=="}


def in_milvus(wanted: Condition) -> str:
    """A condition as an expression; empty for everything."""
    return "" if isinstance(wanted, Every) and not wanted.of else _spelled(wanted)


def _spelled(wanted: Condition) -> str:
    if isinstance(wanted, Compare):
        return f"{wanted.column} {_OPERATORS.get(wanted.operator, wanted.operator)} {_literal(wanted.value)}"
    if isinstance(wanted, OneOf):
        column, values = wanted.column, wanted.values
        if column == "camera":
            column, values = "camera_key", tuple(lowered(str(value)) for value in values)
        listed = ", ".join(map(_literal, values))
        return f"{column} {'not in' if wanted.negated else 'in'} [{listed}]"
    if not wanted.of:
        # Milvus has no words for true and false; no photo has these ids.
        return "id >= 0" if isinstance(wanted, Every) else "id < 0"
    word = " and " if isinstance(wanted, Every) else " or "
    return f"({word.join(map(_spelled, wanted.of))})"


def _literal(value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in value)
    return f'"{escaped}"'


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\x00"}
