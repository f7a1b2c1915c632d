"""All figures of docs/speed.md in one run, each beside its peer: python -m bench speed."""

from collections.abc import Sequence


def main(arguments: Sequence[str] = ()) -> None:
    from bench.speed.command import main as measure

    measure(arguments)
