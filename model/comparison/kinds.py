"""What ImageNet knows of each unseen label: a network trained on it, and whoever learns from it, has a head start.

By WordNet 3.0, whose nouns are ImageNet's classes: `ImageNet` itself, `related` (a kind of such a class, or above one),
or `unknown`. Without WordNet, labels are not told apart.
"""

from collections.abc import Iterable

from model.data.datasets import Dataset
from model.words import wordnet

IN, NEAR, OUT = "ImageNet", "related", "unknown"


def kinds_of(data: Dataset) -> dict[str, str]:
    if wordnet.missing():
        return {}
    # The offsets of ImageNet's classes, which timm has.
    from timm.data import ImageNetInfo

    classes = frozenset(ImageNetInfo().label_names())
    nouns = wordnet.read()
    return {label: _kind(synsets, classes, nouns) for label, synsets in _synsets(data, nouns).items()}


def _synsets(data: Dataset, nouns: wordnet.WordNet) -> dict[str, set[str]]:
    """The synsets of a label: those in its pictures' pairs, as Sketchy has them, or else the word's first."""
    found: dict[str, set[str]] = {label: set() for label in data.labels}
    for record in data.records:
        name = (record.pair or "").partition("_")[0]
        if name in nouns.above:
            found[record.label].add(name)
    for label, synsets in found.items():
        if not synsets:
            synsets.update(nouns.synsets.get(label.lower(), ())[:1])
    return found


def _kind(synsets: Iterable[str], classes: frozenset[str], nouns: wordnet.WordNet) -> str:
    named = set(synsets)
    if named & classes:
        return IN
    return NEAR if any(nouns.related(one, other) for one in named for other in classes) else OUT
