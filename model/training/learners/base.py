"""What every learner answers: prepared pictures to features and unit embeddings, words to the same space.

A learner is the towers alone. Its parameters learn at the recipe's `tower_rate`; what a training method adds
(encodings, classifiers) belongs to the method and learns at `head_rate`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.pictures.preprocessing import Preprocessing


class Learner(nn.Module, ABC):
    # How pictures are made ready before `prepare`; the card of what is learned says so too.
    preprocessing: Preprocessing = Preprocessing()
    # Whether towers run in bf16 on a CPU too; on a GPU all of them do.
    half_on_cpu: bool = False
    reads_words: bool = True

    @property
    def logit_scale(self) -> nn.Parameter | None:
        """The logarithm of the temperature's inverse, where the tower has one of its own that learns with it."""
        return None

    def autocast(self, device: str) -> torch.autocast:
        """What towers run in on that kind of device."""
        return torch.autocast(device, torch.bfloat16, enabled=self.half_on_cpu or device != "cpu")

    @abstractmethod
    def prepare(self, pixels: Tensor) -> Tensor:
        """(n, size, size, 3) bytes to what `features` takes; never needs a gradient."""

    @abstractmethod
    def features(self, inputs: Tensor) -> Tensor:
        """Pooled features (n, width) of what `prepare` made."""

    @abstractmethod
    def project(self, features: Tensor) -> Tensor:
        """Embeddings (n, d) of features, not yet of unit length."""

    @abstractmethod
    def read(self, captions: Sequence[str]) -> Tensor:
        """Captions to what `texts` takes; never needs a gradient."""

    @abstractmethod
    def texts(self, inputs: Tensor) -> Tensor:
        """Unit embeddings (n, d) of what `read` made."""

    def images(self, inputs: Tensor) -> Tensor:
        """Unit embeddings (n, d) of what `prepare` made: what the exported tower gives."""
        return F.normalize(self.project(self.features(inputs)).float(), dim=-1)
