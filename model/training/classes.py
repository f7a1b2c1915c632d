"""The classes that a tower told apart before training: what they are called, and where photos of them lie.

A classifier of ImageNet has a direction for each of 1,000 things, most of which no training data shows. From them,
words learn where photos of a thing lie without any photo of it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.errors import ModelError
from model.training import imagenet
from model.training.learners.lite import LiteLearner
from model.training.views import read_words

_CAPTIONS = ("{}", "a photo of a {}")
_AS_IT_IS = ("{}",)


@dataclass(frozen=True)
class Classes:
    """`words`: what is said of each class, its name first, then each one's explanation; `places`: semantic vectors."""

    words: Tensor
    places: Tensor

    def to(self, device: torch.device) -> "Classes":
        return Classes(self.words.to(device), self.places.to(device))


@torch.no_grad()
def classes_of(learner: LiteLearner) -> Classes:
    """The classes in the space of the learner's projection. Raises ModelError if it does not know ImageNet's."""
    found, names = learner.classifier, imagenet.names()
    if found is None or len(found.weight) != len(names):
        raise ModelError(
            f"`anchors.classes` needs a network that comes with a classifier of ImageNet's {len(names):,} classes: "
            "set it to 0"
        )
    if not learner.reads_words:
        raise ModelError("`anchors.classes` needs a text tower: set it to 0")
    # What all classes have in common says nothing of any.
    places = F.normalize(learner.projection(found.weight - found.weight.mean(0)), dim=1)
    named, explained = (
        read_words(said, captions, learner).mean(1)
        for said, captions in ((names, _CAPTIONS), (imagenet.explanations(), _AS_IT_IS))
    )
    return Classes(torch.cat([named, explained]), places.repeat(2, 1))
