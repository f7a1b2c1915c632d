"""Modality encodings, and what MA-SBIR asks of them: its losses in the forms of the authors' released code.

Terms: `image` and `text` are unit embeddings (n, d), row by row an image and its caption; `encodings` is the
table of modality encodings (m, d); `image_modality` and `text_modality` are (n,) indices into the table.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# The authors' table has four rows; no image of theirs is of row 2, yet it is a target of the classifier.
PHOTO, SKETCH, TEXT = 0, 1, 3
MODALITIES = 4


def semantic_vectors(vectors: Tensor, encodings: Tensor, modality: Tensor) -> Tensor:
    """What was meant, whatever drew or said it: unit(z - m), which is what an index holds."""
    return F.normalize(vectors - encodings[modality], dim=-1)


def convert(vectors: Tensor, encodings: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """The same content in another modality: unit(z - m_source + m_target)."""
    return F.normalize(vectors - encodings[source] + encodings[target], dim=-1)


def centre(image: Tensor, text: Tensor) -> Tensor:
    """The anchor of each row, halfway between image and caption; the gradient flows through it."""
    return F.normalize((image + text) / 2, dim=-1)


def cosine_loss(left: Tensor, right: Tensor) -> Tensor:
    return (1 - F.cosine_similarity(left, right, dim=-1)).mean()


def semantic_centre_loss(
    image: Tensor, text: Tensor, encodings: Tensor, image_modality: Tensor, text_modality: Tensor
) -> Tensor:
    """Sum, not mean, of the image's and the caption's distance to the centre of their row."""
    anchor = centre(image, text)
    from_image = cosine_loss(semantic_vectors(image, encodings, image_modality), anchor)
    from_text = cosine_loss(semantic_vectors(text, encodings, text_modality), anchor)
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
    from_image = _conversions_classified(image, encodings, weight, bias, image_modality)
    from_text = _conversions_classified(text, encodings, weight, bias, text_modality)
    return (from_image + from_text) / 2


def _conversions_classified(
    vectors: Tensor, encodings: Tensor, weight: Tensor, bias: Tensor, source: Tensor
) -> Tensor:
    """Cross entropy over all M targets but the source's own; every kept (row, target) counts alike.

    Each row drops exactly one target, so the mean over kept entries is the sum over B x (M - 1).
    """
    converted = F.normalize((vectors - encodings[source])[:, None, :] + encodings[None, :, :], dim=-1)
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
