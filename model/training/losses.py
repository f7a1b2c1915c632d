"""The losses of MA-SBIR as pure functions of tensors: embeddings, encodings, classifier, modality indices.

Two groups. The authors' five terms keep the forms of their released code, so that another implementation can
be handed the same tensors and compared term by term. Those after them are ours or, with `triplet`, what went
before MA-SBIR: each is off until it is given a weight, and each has its row in the ablation.

Words: `image` and `text` are unit embeddings (B, d), row by row an image and its caption; `encodings` is the
table of modality encodings (M, d); `logit_scale` is the logarithm of the scale, as CLIP stores it (2.6592,
not 14.3); `image_modality` and `text_modality` are (B,) indices into the table.
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

# The authors' table has four rows; no image of theirs is of row 2, yet it is a target of the classifier.
PHOTO, SKETCH, TEXT = 0, 1, 3
MODALITIES = 4
LOGIT_SCALE = 2.6592
TRIPLET_MARGIN = 0.3


def unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1)


def strip(vectors: Tensor, encodings: Tensor, modality: Tensor) -> Tensor:
    """Semantic vectors z - m, not brought to unit length: conversion starts from here."""
    return vectors - encodings[modality]


def convert(vectors: Tensor, encodings: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """The same content in another modality: unit(z - m_source + m_target)."""
    return unit(strip(vectors, encodings, source) + encodings[target])


def centre(image: Tensor, text: Tensor) -> Tensor:
    """The anchor of each row, halfway between image and caption; the gradient flows through it."""
    return unit((image + text) / 2)


def cosine_loss(left: Tensor, right: Tensor) -> Tensor:
    return (1 - F.cosine_similarity(left, right, dim=-1)).mean()


def clip_loss(image: Tensor, text: Tensor, logit_scale: Tensor | float = LOGIT_SCALE) -> Tensor:
    """Symmetric InfoNCE; only the diagonal is positive, even where two rows have the same caption."""
    logits = _scale(logit_scale, image) * text @ image.T
    diagonal = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2


def semantic_centre_loss(
    image: Tensor, text: Tensor, encodings: Tensor, image_modality: Tensor, text_modality: Tensor
) -> Tensor:
    """Sum, not mean, of the image's and the caption's distance to the centre of their row."""
    anchor = centre(image, text)
    from_image = cosine_loss(unit(strip(image, encodings, image_modality)), anchor)
    from_text = cosine_loss(unit(strip(text, encodings, text_modality)), anchor)
    return from_image + from_text


def modality_classifier_loss(
    image: Tensor,
    text: Tensor,
    encodings: Tensor,
    weight: Tensor,
    bias: Tensor,
    image_modality: Tensor,
    text_modality: Tensor,
) -> Tensor:
    """Can the classifier tell which modality a vector was converted to? Mean of both kinds of source."""
    from_image = _conversions_told_apart(image, encodings, weight, bias, image_modality)
    from_text = _conversions_told_apart(text, encodings, weight, bias, text_modality)
    return (from_image + from_text) / 2


def _conversions_told_apart(
    vectors: Tensor, encodings: Tensor, weight: Tensor, bias: Tensor, source: Tensor
) -> Tensor:
    """Cross entropy over all M targets but the source's own; every kept (row, target) counts alike.

    Each row drops exactly one target, so the mean over kept entries is the sum over B x (M - 1).
    """
    converted = unit(strip(vectors, encodings, source)[:, None, :] + encodings[None, :, :])
    targets = torch.arange(len(encodings), device=vectors.device).expand(len(vectors), -1)
    labels = targets.masked_fill(targets == source[:, None], -1)
    logits = F.linear(converted, weight, bias)
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-1)


def reconstruction_loss(
    image: Tensor, text: Tensor, encodings: Tensor, image_modality: Tensor, text_modality: Tensor
) -> Tensor:
    """Image rebuilt from its caption plus caption rebuilt from its image: again a sum of two means."""
    rebuilt_image = convert(text, encodings, text_modality, image_modality)
    rebuilt_text = convert(image, encodings, image_modality, text_modality)
    return cosine_loss(rebuilt_image, image) + cosine_loss(rebuilt_text, text)


def orthogonality_loss(image: Tensor, text: Tensor, encodings: Tensor) -> Tensor:
    """Mean over the B x M pairs (row, encoding) of the sum of |centre * encoding|, component by component.

    The released code divides by its count of pairs, not of rows: multiply by M for a figure per row.
    """
    pairs = len(image) * len(encodings)
    # Sums of products of absolute values are a matrix product; no B x M x d tensor is needed.
    return (centre(image, text).abs() @ encodings.abs().T).sum() / (pairs + 1e-6)


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
    semantic: Tensor, labels: Tensor, modality: Tensor, margin: float = TRIPLET_MARGIN
) -> Tensor:
    """Each sketch nearer to each photo of its label than to any other photo, by a margin of the cosine.

    The mean over all triplets of the batch that still violate the margin, which is what keeps a large batch
    from being drowned in those that were learned long ago.
    """
    sketches, photos = modality == SKETCH, modality == PHOTO
    near = semantic[sketches] @ semantic[photos].T
    same = labels[sketches][:, None] == labels[photos][None, :]
    short = margin + near[:, None, :] - near[:, :, None]
    open_ones = (same[:, :, None] & ~same[:, None, :]) & (short > 0)
    if not bool(open_ones.any()):
        return near.sum() * 0.0
    return short[open_ones].mean()


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


@dataclass(frozen=True)
class LossWeights:
    """The authors' weights; a term of weight 0 takes no part in the total, nor in what it is divided by."""

    clip: float = 1.0
    semantic_centre: float = 0.1
    modality_classifier: float = 0.1
    reconstruction: float = 0.02
    orthogonality: float = 0.0
    multi_positive: float = 0.0
    cross_modal: float = 0.0
    instance: float = 0.0
    triplet: float = 0.0

    def active(self) -> dict[str, float]:
        named = {field.name: float(getattr(self, field.name)) for field in fields(self)}
        wrong = [name for name, weight in named.items() if not 0 <= weight < float("inf")]
        if wrong:
            raise ValueError(
                f"the loss weight {wrong[0]} is {named[wrong[0]]}: give a number of zero or more"
            )
        return {name: weight for name, weight in named.items() if weight > 0}


AUTHORS_WEIGHTS = LossWeights()


@dataclass(frozen=True)
class LossInputs:
    """Everything that a loss may look at. The last three are for our own terms only."""

    image: Tensor
    text: Tensor
    encodings: Tensor
    classifier_weight: Tensor
    classifier_bias: Tensor
    image_modality: Tensor
    text_modality: Tensor
    logit_scale: Tensor | float = LOGIT_SCALE
    captions: Tensor | None = None
    labels: Tensor | None = None
    pairs: Tensor | None = None


def terms(inputs: LossInputs, wanted: frozenset[str] = frozenset()) -> dict[str, Tensor]:
    """The authors' five terms always, and those of ours that are wanted."""
    image, text, table = inputs.image, inputs.text, inputs.encodings
    both = (inputs.image_modality, inputs.text_modality)
    found = {
        "clip": clip_loss(image, text, inputs.logit_scale),
        "semantic_centre": semantic_centre_loss(image, text, table, *both),
        "modality_classifier": modality_classifier_loss(
            image, text, table, inputs.classifier_weight, inputs.classifier_bias, *both
        ),
        "reconstruction": reconstruction_loss(image, text, table, *both),
        "orthogonality": orthogonality_loss(image, text, table),
    }
    if "multi_positive" in wanted:
        captions = _needed(inputs.captions, "captions")
        found["multi_positive"] = multi_positive_loss(image, text, captions, inputs.logit_scale)
    semantic = unit(strip(image, table, inputs.image_modality))
    where, scale = inputs.image_modality, inputs.logit_scale
    if "cross_modal" in wanted:
        found["cross_modal"] = cross_modal_loss(semantic, _needed(inputs.labels, "labels"), where, scale)
    if "instance" in wanted:
        found["instance"] = instance_loss(semantic, _needed(inputs.pairs, "pairs"), where, scale)
    if "triplet" in wanted:
        found["triplet"] = triplet_loss(semantic, _needed(inputs.labels, "labels"), where)
    return found


def total(inputs: LossInputs, weights: LossWeights = AUTHORS_WEIGHTS) -> dict[str, Tensor]:
    """Each term by name, unweighted, and `total`: the weighted sum over the sum of the active weights."""
    active = weights.active()
    if not active:
        raise ValueError("all loss weights are zero: give at least one term a weight")
    found = terms(inputs, frozenset(active))
    weighted = torch.stack([weight * found[name] for name, weight in active.items()]).sum()
    return found | {"total": weighted / sum(active.values())}


def _needed(tensor: Tensor | None, name: str) -> Tensor:
    if tensor is None:
        raise ValueError(
            f"this loss needs `{name}`: add it to the inputs, or set the weight of the term to 0"
        )
    return tensor
