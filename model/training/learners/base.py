"""The interface of every learner: prepared pictures to features and unit embeddings, words to the same space.

A learner contains only the towers. Its parameters learn at the recipe's `tower_rate`; what a training method adds
(encodings, classifiers) belongs to the method and learns at `head_rate`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.base import Classifier
from model.backbones.tokens import Maps, Tokens
from model.errors import ModelError
from model.pictures.preprocessing import Preprocessing


class Learner(nn.Module, ABC):
    # How pictures are prepared before `prepare`; the resulting model's card says the same.
    preprocessing: Preprocessing = Preprocessing()
    # Whether towers also run in bf16 on a CPU that can; on a GPU all of them do.
    half_on_cpu: bool = False
    reads_words: bool = True
    # The layer with which the network classified ImageNet.
    classifier: Classifier | None = None

    @property
    def logit_scale(self) -> nn.Parameter | None:
        """The logarithm of the inverse temperature, if the tower has a trainable one of its own."""
        return None

    def in_half(self, device: str) -> bool:
        """Whether towers run in bf16 on that kind of device."""
        return device != "cpu" or (self.half_on_cpu and _has_half())

    def autocast(self, device: str) -> torch.autocast:
        """The autocast context of towers on that kind of device."""
        return torch.autocast(device, torch.bfloat16, enabled=self.in_half(device))

    @abstractmethod
    def prepare(self, pixels: Tensor) -> Tensor:
        """Turn (n, size, size, 3) bytes into the input of `features`; never needs a gradient."""

    @abstractmethod
    def features(self, inputs: Tensor) -> Tensor:
        """Pooled features (n, width) of the output of `prepare`."""

    def tokens(self, inputs: Tensor) -> Tokens:
        """Features of the whole and of each place; `whole` is what `features` gives. Raises ModelError if it cannot."""
        raise ModelError(f"{type(self).__name__} gives no local tokens: set `towers` to lite")

    def maps(self, inputs: Tensor, stages: Sequence[int]) -> Maps:
        """Output of these of the network's stages, beside what `features` gives. Raises ModelError if it cannot."""
        raise ModelError(f"{type(self).__name__} gives no maps of its stages: set `towers` to lite")

    @abstractmethod
    def project(self, features: Tensor) -> Tensor:
        """Embeddings (n, d) of features, not yet of unit length."""

    @abstractmethod
    def read(self, captions: Sequence[str]) -> Tensor:
        """Turn captions into the input of `texts`; never needs a gradient."""

    @abstractmethod
    def texts(self, inputs: Tensor) -> Tensor:
        """Unit embeddings (n, d) of the output of `read`."""

    def images(self, inputs: Tensor) -> Tensor:
        """Unit embeddings (n, d) of the output of `prepare`, the same as the exported tower's."""
        return F.normalize(self.project(self.features(inputs)).float(), dim=-1)


@cache
def _has_half() -> bool:
    """Whether the CPU computes in bf16: one that only imitates it takes two to ten times as long as in float32."""
    # torch says that it supports bf16 wherever there is AVX-512, and imitates it where there is no more than that.
    from model.engines.runtime import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
