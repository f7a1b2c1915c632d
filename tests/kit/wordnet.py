"""A WordNet small enough for a test, in the form of its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

# Offset, words, and what it is a kind of; those that ImageNet knows have its offsets.
NOUNS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
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
    lines = ["  1 This is no licence.  \n"]
    for offset, (words, above) in NOUNS.items():
        named = " ".join(f"{word} 0" for word in words)
        pointers = "".join(f" @ {upper} n 0000" for upper in above)
        lines.append(
            f"{offset} 03 n {len(words):02x} {named} {len(above):03d}{pointers} | a gloss; with @ 1\n"
        )
    (folder / "data.noun").write_text("".join(lines))
    return folder
