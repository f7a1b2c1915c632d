"""Losses that pull what belongs together by caption, label or pair, as pure functions of tensors.

Terms: `image` and `text` are unit embeddings (n, d), row by row an image and its caption; `semantic` are unit
vectors without their modality's encoding; `logit_scale` is the logarithm of the scale, as CLIP stores it (2.6592,
not 14.3); `modality` are indices of `model.training.losses.encodings`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from model.training.losses.encodings import PHOTO, SKETCH

LOGIT_SCALE = 2.6592
TRIPLET_MARGIN = 0.3


def clip_loss(image: Tensor, text: Tensor, logit_scale: Tensor | float = LOGIT_SCALE) -> Tensor:
    """Symmetric InfoNCE; only the diagonal is positive, even where two rows have the same caption."""
    logits = _scale(logit_scale, image) * text @ image.T
    diagonal = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2


def multi_positive_loss(
    image: Tensor, text: Tensor, captions: Tensor, logit_scale: Tensor | float = LOGIT_SCALE
) -> Tensor:
    """clip_loss where all rows of the same caption are positives; equal to it when no caption repeats."""
    return contrast(text, image, captions[:, None] == captions[None, :], logit_scale)


def cross_modal_loss(
    semantic: Tensor, labels: Tensor, modality: Tensor, logit_scale: Tensor | float = LOGIT_SCALE
) -> Tensor:
    """Sketches against the photos of the batch, directly; positives share the label."""
    sketches, photos = modality == SKETCH, modality == PHOTO
    positive = labels[sketches][:, None] == labels[photos][None, :]
    return contrast(semantic[sketches], semantic[photos], positive, logit_scale)


def instance_loss(
    semantic: Tensor, pairs: Tensor, modality: Tensor, logit_scale: Tensor | float = LOGIT_SCALE
) -> Tensor:
    """Sketches against photos where only a sketch's own photo is right; `pairs` is -1 where there is none."""
    sketches, photos = (modality == SKETCH) & (pairs >= 0), modality == PHOTO
    positive = pairs[sketches][:, None] == pairs[photos][None, :]
    return contrast(semantic[sketches], semantic[photos], positive, logit_scale)


def triplet_loss(
    semantic: Tensor, labels: Tensor, modality: Tensor, margin: float | Tensor = TRIPLET_MARGIN
) -> Tensor:
    """Each sketch nearer to each photo of its label than to any other photo, by a margin of the cosine.

    The margin is one number, or a table (labels, labels) of one for each pair of labels, as `word_margins` makes it.
    The mean over all triplets of the batch that still violate the margin, which is what keeps a large batch
    from being drowned in those that were learned long ago.
    """
    sketches, photos = modality == SKETCH, modality == PHOTO
    near = semantic[sketches] @ semantic[photos].T
    same = labels[sketches][:, None] == labels[photos][None, :]
    if isinstance(margin, Tensor):
        margin = margin[labels[sketches]][:, labels[photos]][:, None, :]
    short = margin + near[:, None, :] - near[:, :, None]
    open_ones = (same[:, :, None] & ~same[:, None, :]) & (short > 0)
    if not bool(open_ones.any()):
        return near.sum() * 0.0
    return short[open_ones].mean()


def word_margins(words: Tensor, most: float) -> Tensor:
    """Margins that grow with how little two labels mean the same: most * (1 - cosine) of their words' vectors."""
    said = F.normalize(words, dim=-1)
    return most * (1 - said @ said.T)


def contrast(left: Tensor, right: Tensor, positive: Tensor, logit_scale: Tensor | float) -> Tensor:
    """Symmetric InfoNCE with any number of positives: their log-probabilities are averaged per anchor.

    Anchors without a positive in the batch are left out of the mean; without any at all the loss is zero.
    """
    logits = _scale(logit_scale, left) * left @ right.T
    return (_one_way(logits, positive) + _one_way(logits.T, positive.T)) / 2


def _one_way(logits: Tensor, positive: Tensor) -> Tensor:
    anchors = positive.any(dim=1)
    if not bool(anchors.any()):
        return logits.sum() * 0.0
    chosen, wanted = logits[anchors], positive[anchors]
    gains = F.log_softmax(chosen, dim=1).masked_fill(~wanted, 0.0).sum(dim=1) / wanted.sum(dim=1)
    return -gains.mean()


def _scale(logit_scale: Tensor | float, like: Tensor) -> Tensor:
    return torch.as_tensor(logit_scale, device=like.device, dtype=like.dtype).exp()
