"""ImageNet's 1,000 classes in the order of a classifier's outputs: their synsets, names, and explanations.

The installed timm has them, so that this needs no WordNet.
"""

from functools import lru_cache
from pathlib import Path

import timm

_FILES = Path(timm.__file__).parent / "data" / "_info"


def synsets() -> tuple[str, ...]:
    return tuple((_FILES / "imagenet_synsets.txt").read_text(encoding="utf-8").split())


def names() -> tuple[str, ...]:
    """The most usual name of each class."""
    return tuple(name.partition(",")[0] for name in _said("lemma"))


def explanations() -> tuple[str, ...]:
    """What WordNet says each class is, such as "large gregarious predatory feline of Africa and India"."""
    return _said("definition")


@lru_cache(2)
def _said(what: str) -> tuple[str, ...]:
    lines = (_FILES / f"imagenet_synset_to_{what}.txt").read_text(encoding="utf-8").splitlines()
    said = dict(line.split("\t", 1) for line in lines)
    return tuple(said[synset] for synset in synsets())
