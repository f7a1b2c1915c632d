"""Relations between labels in a batch: how similar their means are, and how alike two distributions are."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.training.losses.encodings import PHOTO, SKETCH

TEMPERATURE = 0.1


@dataclass(frozen=True)
class Means:
    """Unit means (c, d) of the sketches and of the photos of labels, of which a batch has both."""

    labels: Tensor
    sketches: Tensor
    photos: Tensor


def class_means(vectors: Tensor, labels: Tensor, modality: Tensor) -> Means:
    sketches, photos = modality == SKETCH, modality == PHOTO
    both = torch.unique(labels[sketches])
    both = both[torch.isin(both, labels[photos])]
    means = []
    for kind in (sketches, photos):
        members = (labels[None, :] == both[:, None]) & kind[None, :]
        means.append(F.normalize(members.to(vectors) @ vectors, dim=-1))
    return Means(both, *means)


def rows(means: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Logarithms (c, c - 1) of how similar each label is to the others; itself is left out, as it tells nothing.

    Similar is what lies in the same direction from the middle of all labels: what they have in common, such as their
    modality, would make all of them alike.
    """
    count = len(means)
    units = F.normalize(means - means.mean(dim=0), dim=-1)
    others = ~torch.eye(count, dtype=torch.bool, device=means.device)
    near = (units @ units.T)[others].reshape(count, max(0, count - 1))
    return F.log_softmax(near / temperature, dim=1)


def following(target: Tensor, found: Tensor) -> Tensor:
    """KL(target || found), the mean over rows of logarithms; no gradient reaches the target."""
    if not found.numel():
        return found.sum() * 0.0
    return F.kl_div(found, target.detach(), reduction="batchmean", log_target=True)


def spread(apart: Tensor) -> Tensor:
    """CLIP-AT's L_delta of relative distances (c, k): are they distributed alike in all classes?

    The mean, over ordered pairs of different classes, of KL(D_i || D_j), where D_i is the softmax over class i's k.
    """
    logs = F.log_softmax(apart, dim=1)
    count = len(logs)
    # [i, j]: sum over k of D_i (log D_i - log D_j).
    own = (logs.exp() * logs).sum(1)
    divergences = own[:, None] - logs.exp() @ logs.T
    return divergences.sum() / max(1, count * (count - 1))
