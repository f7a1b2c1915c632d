"""WordNet's nouns: which things are kinds of which, from the files of an installed WordNet 3.0 or later.

ImageNet names its classes by the offsets of WordNet 3.0's nouns, with an n before them: `n02123045`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.errors import ModelError

# WordNet's own variable for the folder of its files, and where Debian has them.
_VARIABLE, _USUAL = "WNSEARCHDIR", Path("/usr/share/wordnet")
_NOUNS = "data.noun"
_ABOVE = ("@", "@i")
_REMEDY = f"install wordnet-base (Debian, Ubuntu), or set {_VARIABLE} to the folder of WordNet's files"


def folder() -> Path:
    return Path(os.environ.get(_VARIABLE) or _USUAL)


def missing() -> str:
    """Why it cannot be read; empty if it can."""
    return "" if (folder() / _NOUNS).is_file() else f"there is no {folder() / _NOUNS}; {_REMEDY}"


@dataclass(frozen=True)
class WordNet:
    """Nouns by synset: what is directly above each, and the synsets of each word, in the file's order."""

    above: dict[str, tuple[str, ...]]
    synsets: dict[str, tuple[str, ...]]

    def ancestors(self, synset: str) -> dict[str, int]:
        """All that it is a kind of, itself too, by the fewest steps up."""
        found, level = {synset: 0}, [synset]
        while level:
            level = [upper for lower in level for upper in self.above.get(lower, ()) if upper not in found]
            steps = max(found.values()) + 1
            found |= dict.fromkeys(level, steps)
        return found

    def similarity(self, one: str, other: str) -> float:
        """Path similarity: 1 / (1 + the fewest steps between them), by way of what both are kinds of; 0 if nothing."""
        mine, theirs = self.ancestors(one), self.ancestors(other)
        steps = [up + theirs[common] for common, up in mine.items() if common in theirs]
        return 1 / (1 + min(steps)) if steps else 0.0

    def related(self, one: str, other: str) -> bool:
        """Whether one is a kind of the other, or they are the same."""
        return one in self.ancestors(other) or other in self.ancestors(one)


def read() -> WordNet:
    """Read the nouns; raises ModelError if there are none."""
    if said := missing():
        raise ModelError(f"WordNet: {said}")
    return _read(folder() / _NOUNS)


@lru_cache(1)
def _read(path: Path) -> WordNet:
    with path.open(encoding="utf-8") as lines:
        # The licence, at the beginning, is indented.
        return parsed(line for line in lines if not line.startswith(" "))


def parsed(lines: Iterable[str]) -> WordNet:
    """Lines of `data.noun`: offset, file, kind, how many words (hexadecimal), words, how many pointers, pointers."""
    above: dict[str, tuple[str, ...]] = {}
    words: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        fields = line.partition(" | ")[0].split()
        synset, count = f"n{fields[0]}", int(fields[3], 16)
        for place in range(count):
            words[fields[4 + 2 * place].replace("_", " ").lower()].append(synset)
        rest = fields[5 + 2 * count :]
        pointers = [rest[start : start + 4] for start in range(0, len(rest), 4)]
        above[synset] = tuple(f"n{offset}" for kind, offset, _, _ in pointers if kind in _ABOVE)
    return WordNet(above, {word: tuple(found) for word, found in words.items()})
