"""A WordNet small enough for a test, in the form of its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

# Offset, words, and what it is a kind of; those that ImageNet knows have its offsets. A word's usual sense comes first.
NOUNS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "09845589": (("beast", "brute"), ("00001740",)),
    "00001740": (("entity",), ()),
    "00015388": (("animal", "beast"), ("00001740",)),
    "02084071": (("dog", "domestic_dog"), ("00015388",)),
    "02085620": (("Chihuahua",), ("02084071",)),
    "02121620": (("cat", "true_cat"), ("00015388",)),
    "02123045": (("tabby", "tabby_cat"), ("02121620",)),
    "03100490": (("conveyance", "transport"), ("00001740",)),
    "02778669": (("ball",), ("03100490",)),
    "02799071": (("baseball",), ("02778669",)),
}


def tiny_wordnet(folder: Path) -> Path:
    """A folder that WNSEARCHDIR may name."""
    folder.mkdir(parents=True, exist_ok=True)
    licence = "  1 This is no licence.  \n"
    (folder / "data.noun").write_text(licence + "".join(_noun(offset) for offset in sorted(NOUNS)))
    words = sorted({word.lower() for words, _ in NOUNS.values() for word in words})
    (folder / "index.noun").write_text(licence + "".join(map(_entry, words)))
    return folder


def _noun(offset: str) -> str:
    words, above = NOUNS[offset]
    named = " ".join(f"{word} 0" for word in words)
    pointers = "".join(f" @ {upper} n 0000" for upper in above)
    return f"{offset} 03 n {len(words):02x} {named} {len(above):03d}{pointers} | a gloss; with @ 1\n"


def _entry(word: str) -> str:
    found = [offset for offset, (words, _) in NOUNS.items() if word in map(str.lower, words)]
    return f"{word} n {len(found)} 1 @ {len(found)} 0 {' '.join(found)}  \n"
