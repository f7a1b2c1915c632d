"""Which of ImageNet's classes a label is near in WordNet, by the kinds of things that both are.

A label's synsets are those that its pictures' files name (`n02691156_10151`), as Sketchy's and ImageNet's do. Where
none does, the label is looked up: first here, for words whose usual sense is no drawing's, then as a class of
ImageNet that has this very name, then as WordNet's usual sense. A label that WordNet does not know is near nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.data.datasets import Record
from model.training import imagenet
from model.words.wordnet import WordNet

# Nearer than this along WordNet's paths counts; SAKE's authors have it.
NEAR = 0.2
_WNID = re.compile(r"(?<![^\W_])n\d{8}(?!\d)")
# Where neither WordNet's usual sense nor an ImageNet class of that name is meant, or the label is no noun there.
SENSES: Mapping[str, str] = {
    "beach": "n09217230 n09428293", "bell": "n02824448", "belt": "n02827606", "blimp": "n02850950",
    "bracelet": "n02887970", "cake": "n07628870", "calculator": "n02938886", "calendar": "n08266849",
    "cell phone": "n02992529", "chicken": "n01514668 n01514859", "crane bird": "n02012849", "crown": "n03138669",
    "cup": "n03147509", "dolphin": "n02068974", "drums": "n03249569", "ear": "n05320899", "firetruck": "n03345487",
    "flip flops": "n03364008", "golf club": "n03446070", "grapes": "n07758680", "headphones": "n03261776",
    "hot air balloon": "n02782093", "jack-o-lantern": "n03590841", "kite": "n03621473", "line": "n13863771",
    "lobster": "n01983481", "lollipop": "n07607605", "marker": "n03722007", "matches": "n03728437",
    "mouse": "n02330245", "octopus": "n01970164", "pants": "n04489008", "peas": "n07725376", "plate": "n03959485",
    "power outlet": "n04548771", "rake": "n04050066", "ray": "n01495701", "roller coaster": "n04102406",
    "rollerskates": "n04102618", "saw": "n04140064", "seal": "n02076196", "see saw": "n04167759",
    "sink": "n04553703", "star": "n13881644", "stop sign": "n06794110", "table": "n04379243", "toilet": "n04446521",
    "turtle": "n01662784", "tv": "n04405907", "van": "n04520170", "watermelon": "n07756951", "whale": "n02062744",
}  # fmt: skip


def label_synsets(
    records: Iterable[Record], names: Sequence[str], nouns: WordNet
) -> dict[str, tuple[str, ...]]:
    """The synsets of each label; none for those that WordNet does not know."""
    named: dict[str, set[str]] = defaultdict(set)
    for record in records:
        # Folders further up are the user's own, and say nothing of the picture.
        for text in (record.pair or "", *record.path.parts[-2:]):
            named[record.label].update(found for found in _WNID.findall(text) if found in nouns.above)
    own = frozenset(imagenet.synsets())
    return {name: tuple(sorted(named[name])) or _looked_up(name, nouns, own) for name in names}


def _looked_up(label: str, nouns: WordNet, own: frozenset[str]) -> tuple[str, ...]:
    spellings = (label, label.replace("-", " "), label.replace(" ", "-"), label.replace(" ", ""))
    for spelling in spellings:
        if spelling in SENSES:
            return tuple(SENSES[spelling].split())
    for spelling in spellings:
        if senses := nouns.synsets.get(spelling):
            return tuple(sense for sense in senses if sense in own) or senses[:1]
    return ()


def nearness(synsets: Sequence[Sequence[str]], nouns: WordNet) -> Tensor:
    """The matrix (labels, 1000): 1 for a class that is a kind of the label or the other way round, else the
    path similarity where it is above `NEAR`, else 0; the largest of a label's synsets counts.
    """
    classes = imagenet.synsets()
    steps = _steps_up(classes, nouns)
    place = {synset: number for number, synset in enumerate(classes)}
    rows = np.zeros((len(synsets), len(classes)), dtype=np.float32)
    for row, senses in zip(rows, synsets, strict=True):
        for sense in senses:
            above = nouns.ancestors(sense)
            between = np.full(len(classes), np.inf)
            for common in above.keys() & steps.keys():
                np.minimum(between, above[common] + steps[common], out=between)
            near = 1 / (1 + between)
            near[near <= NEAR] = 0
            # Classes that are kinds of it, and what it is a kind of.
            if sense in steps:
                near[np.isfinite(steps[sense])] = 1
            near[[place[upper] for upper in above if upper in place]] = 1
            np.maximum(row, near, out=row)
    return torch.from_numpy(rows)


def _steps_up(classes: Sequence[str], nouns: WordNet) -> dict[str, NDArray[np.float64]]:
    """For each synset above any class, how many steps below it each class is: infinite where it is not."""
    steps: dict[str, NDArray[np.float64]] = {}
    for number, synset in enumerate(classes):
        for upper, up in nouns.ancestors(synset).items():
            steps.setdefault(upper, np.full(len(classes), np.inf))[number] = up
    return steps
