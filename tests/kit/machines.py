"""Several machines that share a library, as far as files are concerned: each has its part, one merges them."""

from pathlib import Path
from typing import cast

from indexer import Partition, Report, Silent, merge, run
from model import Encoder
from tests.kit.standin import Library, StandIn


class Machines:
    """Each embeds its part; `whole` is where they are merged."""

    def __init__(self, folder: Path, library: Library, of: int = 3) -> None:
        self.library, self.of = library, of
        self.parts = [folder / f"part{number + 1}" for number in range(of)]
        self.whole = folder / "whole"

    def embed(self, number: int, *, encoder: StandIn | None = None, **options: object) -> Report:
        """The `number`-th of them, from one."""
        return run(
            self.parts[number - 1],
            [self.library.folder],
            cast(Encoder, encoder or StandIn()),
            Silent(),
            partition=Partition(number, self.of),
            **options,  # type: ignore[arg-type]
        )

    def all(self) -> list[Report]:
        return [self.embed(number + 1) for number in range(self.of)]

    def merge(self, **options: object) -> Report:
        return merge(self.whole, self.parts, Silent(), **options)  # type: ignore[arg-type]
