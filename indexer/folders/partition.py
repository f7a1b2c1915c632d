"""One part of a library. A photo's path alone decides its part, so machines need no coordination."""

import hashlib
import re
from dataclasses import dataclass

from indexer.errors import IndexProblem


@dataclass(frozen=True, order=True)
class Partition:
    """Part `number` of `of`, counted from one."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Partition":
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise IndexProblem(f"{text!r}: not a part of a library; for the first of three parts, use 1/3")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, relative: str) -> bool:
        """Whether the photo at this path, relative to its photo folder, is in this part."""
        digest = hashlib.blake2b(relative.encode(), digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number - 1
