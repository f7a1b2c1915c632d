"""How many of what, as a line of a report says it."""


def counted(count: int, thing: str) -> str:
    """`1 photo`, `2 photos`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def counted_were(count: int, thing: str) -> str:
    """`1 photo was`, `2 photos were`."""
    return f"{counted(count, thing)} {'was' if count == 1 else 'were'}"
