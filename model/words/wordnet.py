"""WordNet's nouns: which things are kinds of which, from the files of an installed WordNet 3.0 or later.

ImageNet names its classes by the offsets of WordNet 3.0's nouns, with an n before them: `n02123045`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.errors import ModelError

# WordNet's own variable for the folder of its files, and where Debian has them.
_VARIABLE, _USUAL = "WNSEARCHDIR", Path("/usr/share/wordnet")
_NOUNS, _INDEX = "data.noun", "index.noun"
_ABOVE = ("@", "@i")
_REMEDY = f"install wordnet-base (Debian, Ubuntu), or set {_VARIABLE} to the folder of WordNet's files"


def folder() -> Path:
    return Path(os.environ.get(_VARIABLE) or _USUAL)


def missing() -> str:
    """Why it cannot be read; empty if it can."""
    absent = [file for file in (_NOUNS, _INDEX) if not (folder() / file).is_file()]
    return f"there is no {folder() / absent[0]}; {_REMEDY}" if absent else ""


@dataclass(frozen=True)
class WordNet:
    """Nouns by synset: what is directly above each, and the synsets of each word, the most usual sense first."""

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
    return _read(folder())


@lru_cache(1)
def _read(place: Path) -> WordNet:
    with (place / _NOUNS).open(encoding="utf-8") as nouns, (place / _INDEX).open(encoding="utf-8") as index:
        # The licence, at the beginning, is indented.
        return parsed(*((line for line in lines if not line.startswith(" ")) for lines in (nouns, index)))


def parsed(nouns: Iterable[str], index: Iterable[str]) -> WordNet:
    """Lines of `data.noun`: offset, file, kind, how many words (hexadecimal), words, how many pointers, pointers.

    Those of `index.noun` begin with a word, its kind and how many synsets it has, and end with these.
    """
    above: dict[str, tuple[str, ...]] = {}
    for line in nouns:
        fields = line.partition(" | ")[0].split()
        rest = fields[5 + 2 * int(fields[3], 16) :]
        pointers = [rest[start : start + 4] for start in range(0, len(rest), 4)]
        above[f"n{fields[0]}"] = tuple(f"n{offset}" for kind, offset, _, _ in pointers if kind in _ABOVE)
    synsets: dict[str, tuple[str, ...]] = {}
    for line in index:
        word, _, count, *others = line.split()
        synsets[word.replace("_", " ").lower()] = tuple(f"n{offset}" for offset in others[-int(count) :])
    return WordNet(above, synsets)
