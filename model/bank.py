"""The bank of a model: vectors of what it was trained to search with, against which each photo is weighed once.

Some photos are near almost every drawing: hubs, and the kinds of thing that a model was trained on. How near a photo is
to the drawings of the bank says how much of its score says nothing about a query (cross-domain similarity local
scaling, CSLS). That share is its bias: computed when an index is published, subtracted by every search.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model.errors import BadWeights
from model.modality import Modality, Vectors

BANK_FILE = "bank.safetensors"
# The order of the columns that `biases` returns.
KINDS = (Modality.SKETCH, Modality.TEXT, Modality.PHOTO)
_BLOCK = 2048


@dataclass(frozen=True)
class Near:
    """How a kind of query weighs photos: `share` of the mean similarity to the `count` nearest vectors of the bank."""

    vectors: Vectors
    count: int
    share: float

    def bias(self, photos: Vectors) -> Vectors:
        count = min(self.count, len(self.vectors))
        found = np.empty(len(photos), dtype=np.float32)
        for start in range(0, len(photos), _BLOCK):
            scores = photos[start : start + _BLOCK] @ self.vectors.T
            best = np.partition(scores, -count, axis=1)[:, -count:]
            found[start : start + len(best)] = self.share * best.mean(axis=1)
        return found


@dataclass(frozen=True)
class Bank:
    """What a kind of query is weighed against; kinds without vectors have no bias."""

    # The model whose vectors these are.
    fingerprint: str
    kinds: Mapping[Modality, Near]

    @cached_property
    def data(self) -> bytes:
        """The bank as a file."""
        tensors: dict[str, NDArray[np.float16]] = {}
        facts = {"fingerprint": self.fingerprint}
        for kind, near in self.kinds.items():
            tensors[kind] = np.ascontiguousarray(near.vectors, dtype=np.float16)
            facts |= {f"{kind}.count": str(near.count), f"{kind}.share": str(near.share)}
        return save(tensors, metadata=facts)

    @cached_property
    def digest(self) -> str:
        """Biases are comparable only if they come from the same bank."""
        digest = hashlib.sha256(self.fingerprint.encode())
        for kind in sorted(self.kinds):
            near = self.kinds[kind]
            digest.update(f"{kind} {near.count} {near.share}".encode())
            digest.update(np.ascontiguousarray(near.vectors, dtype="<f2").tobytes())
        return digest.hexdigest()[:16]

    def biases(self, photos: Vectors) -> Vectors:
        """The bias of each photo for each of KINDS."""
        found = np.zeros((len(photos), len(KINDS)), dtype=np.float32)
        for column, kind in enumerate(KINDS):
            if kind in self.kinds and len(photos):
                found[:, column] = self.kinds[kind].bias(photos)
        return found


def weights_of(kinds: Mapping[Modality, float]) -> Vectors:
    """How much each of KINDS counts in a query: one number each, in that order."""
    return np.array([kinds.get(kind, 0.0) for kind in KINDS], dtype=np.float32)


def read_bank(path: Path, fingerprint: str, dimension: int) -> Bank:
    """Read a bank, which must belong to the model with this fingerprint."""
    remedy = "build its bank again with `sketchseek bank`"
    try:
        with safe_open(path, framework="numpy") as opened:
            facts = opened.metadata() or {}
            names = opened.keys()
            kinds = {Modality(name): _near(opened.get_tensor(name), name, facts) for name in names}
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise BadWeights(f"{path}: not a bank ({error}); {remedy}") from None
    if facts.get("fingerprint") != fingerprint:
        raise BadWeights(
            f"{path}: a bank of another model ({facts.get('fingerprint')}) than this one ({fingerprint}); {remedy}"
        )
    for kind, near in kinds.items():
        if near.vectors.shape[1:] != (dimension,):
            raise BadWeights(f"{path}: vectors of {kind} have the wrong shape {near.vectors.shape}; {remedy}")
    return Bank(fingerprint, kinds)


def _near(vectors: NDArray[np.float16], name: str, facts: Mapping[str, str]) -> Near:
    count, share = int(facts[f"{name}.count"]), float(facts[f"{name}.share"])
    if vectors.ndim != 2 or not len(vectors) or count < 1 or not np.isfinite([share, *vectors.sum(0)]).all():
        raise ValueError(f"its vectors of {name} are empty or not numbers")
    return Near(vectors.astype(np.float32), count, share)
