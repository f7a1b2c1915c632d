"""Each loss against its formula written out in loops of plain numbers."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from model.training.losses.contrast import (
    TRIPLET_MARGIN,
    clip_loss,
    cross_modal_loss,
    instance_loss,
    multi_positive_loss,
    triplet_loss,
    word_margins,
)
from model.training.losses.encodings import (
    PHOTO,
    SKETCH,
    TEXT,
    convert,
    modality_classifier_loss,
    orthogonality_loss,
    reconstruction_loss,
    semantic_centre_loss,
    semantic_vectors,
)
from model.training.methods.masbir import LossInputs, LossWeights, total

B, D, M = 7, 12, 4
Numbers = list[float]
AUTHORS = LossWeights().active()


def unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


@pytest.fixture
def inputs() -> LossInputs:
    source = torch.Generator().manual_seed(7)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    return LossInputs(
        image=unit(random(B, D)),
        text=unit(random(B, D)),
        encodings=random(M, D),
        classifier_weight=random(M, D),
        classifier_bias=random(M),
        image_modality=torch.tensor([PHOTO, SKETCH, SKETCH, PHOTO, PHOTO, SKETCH, PHOTO]),
        text_modality=torch.full((B,), TEXT),
        labels=torch.tensor([0, 1, 0, 2, 3, 3, 3]),
        pairs=torch.tensor([5, -1, 5, 6, 7, 8, 7]),
    )


def both(inputs: LossInputs) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return inputs.image, inputs.text, inputs.encodings, inputs.image_modality, inputs.text_modality


def dot(left: Numbers, right: Numbers) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def normed(vector: Numbers) -> Numbers:
    length = math.sqrt(dot(vector, vector))
    return [value / length for value in vector]


def plus(left: Numbers, right: Numbers, sign: int = 1) -> Numbers:
    return [a + sign * b for a, b in zip(left, right, strict=True)]


def cosine(left: Numbers, right: Numbers) -> float:
    return dot(normed(left), normed(right))


def log_softmax(logits: Numbers, place: int) -> float:
    return logits[place] - math.log(sum(map(math.exp, logits)))


def mean(values: Numbers) -> float:
    return sum(values) / len(values)


def test_clip_loss_is_the_mean_of_both_directions_over_the_diagonal(inputs: LossInputs) -> None:
    image, text = inputs.image.tolist(), inputs.text.tolist()
    scale = math.exp(2.6592)
    to_image = [-log_softmax([scale * dot(text[i], other) for other in image], i) for i in range(B)]
    to_text = [-log_softmax([scale * dot(image[i], other) for other in text], i) for i in range(B)]
    expected = (mean(to_image) + mean(to_text)) / 2
    assert clip_loss(inputs.image, inputs.text).item() == pytest.approx(expected, abs=1e-12)
    assert scale == pytest.approx(14.28, abs=0.01)


def test_semantic_centre_loss_adds_both_distances_to_the_centre(inputs: LossInputs) -> None:
    image, text, table = inputs.image.tolist(), inputs.text.tolist(), inputs.encodings.tolist()
    kinds = inputs.image_modality.tolist()
    rows = []
    for i in range(B):
        middle = plus(image[i], text[i])
        rows.append(
            (1 - cosine(plus(image[i], table[kinds[i]], -1), middle))
            + (1 - cosine(plus(text[i], table[TEXT], -1), middle))
        )
    assert semantic_centre_loss(*both(inputs)).item() == pytest.approx(mean(rows), abs=1e-12)


def test_modality_classifier_leaves_out_each_sources_own_modality(inputs: LossInputs) -> None:
    table, weight = inputs.encodings.tolist(), inputs.classifier_weight.tolist()
    bias = inputs.classifier_bias.tolist()

    def one_kind(vectors: list[Numbers], kinds: list[int]) -> float:
        kept = []
        for vector, kind in zip(vectors, kinds, strict=True):
            for target in range(M):
                if target != kind:
                    moved = normed(plus(plus(vector, table[kind], -1), table[target]))
                    kept.append(
                        -log_softmax([dot(moved, w) + b for w, b in zip(weight, bias, strict=True)], target)
                    )
        assert len(kept) == B * (M - 1)
        return mean(kept)

    expected = mean(
        [
            one_kind(inputs.image.tolist(), inputs.image_modality.tolist()),
            one_kind(inputs.text.tolist(), inputs.text_modality.tolist()),
        ]
    )
    found = modality_classifier_loss(
        inputs.image,
        inputs.text,
        inputs.encodings,
        inputs.classifier_weight,
        inputs.classifier_bias,
        inputs.image_modality,
        inputs.text_modality,
    )
    assert found.item() == pytest.approx(expected, abs=1e-12)


def test_reconstruction_loss_adds_both_rebuilt_sides(inputs: LossInputs) -> None:
    image, text, table = inputs.image.tolist(), inputs.text.tolist(), inputs.encodings.tolist()
    rows = []
    for i, kind in enumerate(inputs.image_modality.tolist()):
        from_text = plus(plus(text[i], table[TEXT], -1), table[kind])
        from_image = plus(plus(image[i], table[kind], -1), table[TEXT])
        rows.append((1 - cosine(from_text, image[i])) + (1 - cosine(from_image, text[i])))
    assert reconstruction_loss(*both(inputs)).item() == pytest.approx(mean(rows), abs=1e-12)


def test_orthogonality_loss_is_a_mean_over_pairs_of_row_and_encoding(inputs: LossInputs) -> None:
    image, text, table = inputs.image.tolist(), inputs.text.tolist(), inputs.encodings.tolist()
    pairs = [
        sum(abs(a * b) for a, b in zip(normed(plus(image[i], text[i])), table[m], strict=True))
        for i in range(B)
        for m in range(M)
    ]
    found = orthogonality_loss(inputs.image, inputs.text, inputs.encodings).item()
    assert found == pytest.approx(mean(pairs), rel=1e-6)


def test_semantic_and_converted_vectors_are_unit(inputs: LossInputs) -> None:
    kinds = inputs.image_modality
    semantic = semantic_vectors(inputs.image, inputs.encodings, kinds)
    assert torch.allclose(semantic[1], unit(inputs.image[1] - inputs.encodings[SKETCH]))
    moved = convert(inputs.image, inputs.encodings, kinds, torch.full((B,), PHOTO))
    assert torch.allclose(moved.norm(dim=1), torch.ones(B, dtype=moved.dtype))
    # To its own modality a unit vector comes back as it was.
    assert torch.allclose(moved[kinds == PHOTO], inputs.image[kinds == PHOTO])


def test_total_is_the_weighted_mean_of_the_active_terms(inputs: LossInputs) -> None:
    found = {name: value.item() for name, value in total(inputs, AUTHORS).items()}
    expected = (
        found["clip"]
        + 0.1 * found["semantic_centre"]
        + 0.1 * found["modality_classifier"]
        + 0.02 * found["reconstruction"]
    ) / 1.22
    assert found["total"] == pytest.approx(expected, abs=1e-12)
    assert found["orthogonality"] > 0
    with_it = total(inputs, LossWeights(orthogonality=0.5).active())["total"].item()
    assert with_it == pytest.approx((expected * 1.22 + 0.5 * found["orthogonality"]) / 1.72, abs=1e-12)


def test_float32_agrees_with_float64_to_the_fifth_place(inputs: LossInputs) -> None:
    single = replace(
        inputs,
        **{
            name: getattr(inputs, name).float()
            for name in ("image", "text", "encodings", "classifier_weight", "classifier_bias")
        },
    )
    wanted = LossWeights(multi_positive=1, cross_modal=1, instance=1, orthogonality=1).active()
    exact, rounded = total(inputs, wanted), total(single, wanted)
    assert set(exact) == set(rounded)
    for name, value in exact.items():
        assert rounded[name].item() == pytest.approx(value.item(), abs=1e-5), name


def test_every_parameter_gets_a_gradient(inputs: LossInputs) -> None:
    names = ("image", "text", "encodings", "classifier_weight", "classifier_bias", "logit_scale")
    inputs = replace(inputs, logit_scale=torch.tensor(2.6592, dtype=torch.float64))
    leaves = {name: getattr(inputs, name).clone().requires_grad_() for name in names}
    gradients = torch.autograd.grad(total(replace(inputs, **leaves), AUTHORS)["total"], list(leaves.values()))
    for name, gradient in zip(names, gradients, strict=True):
        assert float(gradient.abs().sum()) > 0, name


def test_the_gradient_flows_through_the_centre(inputs: LossInputs) -> None:
    far = inputs.encodings.clone()
    # So far off that the caption's own semantic vector no longer depends on it; the centre still does.
    far[TEXT] = 1e9
    text = inputs.text.clone().requires_grad_()
    loss = semantic_centre_loss(inputs.image, text, far, inputs.image_modality, inputs.text_modality)
    (gradient,) = torch.autograd.grad(loss, [text])
    assert float(gradient.abs().sum()) > 1e-3


def test_multi_positive_equals_clip_when_captions_differ(inputs: LossInputs) -> None:
    apart = torch.arange(B)
    assert multi_positive_loss(inputs.image, inputs.text, apart).item() == pytest.approx(
        clip_loss(inputs.image, inputs.text).item(), abs=1e-12
    )


def test_multi_positive_averages_the_log_probabilities_of_all_positives(inputs: LossInputs) -> None:
    captions = inputs.labels.tolist()
    image, text = inputs.image.tolist(), inputs.text.tolist()
    scale = math.exp(2.6592)

    def one_way(left: list[Numbers], right: list[Numbers]) -> float:
        rows = []
        for i in range(B):
            logits = [scale * dot(left[i], other) for other in right]
            rows.append(-mean([log_softmax(logits, j) for j in range(B) if captions[i] == captions[j]]))
        return mean(rows)

    expected = (one_way(text, image) + one_way(image, text)) / 2
    found = multi_positive_loss(inputs.image, inputs.text, inputs.labels).item()
    assert found == pytest.approx(expected, abs=1e-12)


def test_cross_modal_contrasts_sketches_with_photos_by_label(inputs: LossInputs) -> None:
    semantic = semantic_vectors(inputs.image, inputs.encodings, inputs.image_modality)
    kinds, labels = inputs.image_modality.tolist(), inputs.labels.tolist()
    rows = semantic.tolist()
    sketches = [i for i in range(B) if kinds[i] == SKETCH]
    photos = [i for i in range(B) if kinds[i] == PHOTO]
    scale = math.exp(2.6592)

    def one_way(anchors: list[int], others: list[int]) -> float:
        kept = []
        for i in anchors:
            logits = [scale * dot(rows[i], rows[j]) for j in others]
            right = [place for place, j in enumerate(others) if labels[i] == labels[j]]
            if right:
                kept.append(-mean([log_softmax(logits, place) for place in right]))
        return mean(kept)

    # Sketch 1 has no photo of its label and photo 3 no sketch: they are left out, not counted as zero.
    expected = (one_way(sketches, photos) + one_way(photos, sketches)) / 2
    found = cross_modal_loss(semantic, inputs.labels, inputs.image_modality).item()
    assert found == pytest.approx(expected, abs=1e-12)


def test_instance_loss_knows_a_sketchs_own_photo_and_nothing_else(inputs: LossInputs) -> None:
    semantic = semantic_vectors(inputs.image, inputs.encodings, inputs.image_modality)
    photos = [0, 3, 4, 6]
    logits = [math.exp(2.6592) * dot(semantic[2].tolist(), semantic[j].tolist()) for j in photos]
    # Only sketch 2 (pair 5) has its photo in the batch, row 0; sketch 5 asks in vain, sketch 1 has no pair.
    to_photo = -log_softmax(logits, 0)
    asked = [math.exp(2.6592) * dot(semantic[0].tolist(), semantic[j].tolist()) for j in (2, 5)]
    to_sketch = -log_softmax(asked, 0)
    found = instance_loss(semantic, inputs.pairs, inputs.image_modality).item()
    assert found == pytest.approx((to_photo + to_sketch) / 2, abs=1e-12)


def test_triplet_loss_is_the_mean_shortfall_of_the_triplets_that_violate_the_margin(
    inputs: LossInputs,
) -> None:
    semantic = semantic_vectors(inputs.image, inputs.encodings, inputs.image_modality)
    rows = range(len(semantic))
    sketches = [row for row in rows if inputs.image_modality[row] == SKETCH]
    photos = [row for row in rows if inputs.image_modality[row] == PHOTO]
    short = [
        TRIPLET_MARGIN + float(semantic[a] @ semantic[n]) - float(semantic[a] @ semantic[p])
        for a in sketches
        for p in photos
        for n in photos
        if inputs.labels[a] == inputs.labels[p] != inputs.labels[n]
    ]
    expected = np.mean([value for value in short if value > 0])
    found = triplet_loss(semantic, inputs.labels, inputs.image_modality).item()
    assert found == pytest.approx(expected, abs=1e-5)
    assert total(inputs, LossWeights(clip=0, triplet=1).active())["triplet"].item() == pytest.approx(found)


def test_margins_grow_with_the_distance_of_the_words(inputs: LossInputs) -> None:
    words = torch.randn(int(inputs.labels.max()) + 1, 5, generator=torch.Generator().manual_seed(8))
    margins = word_margins(words, 0.4)
    said = [[value / row.norm().item() for value in row.tolist()] for row in words]
    semantic, labels = inputs.image, inputs.labels.tolist()
    short = [
        0.4 * (1 - sum(a * b for a, b in zip(said[labels[q]], said[labels[n]], strict=True)))
        + float(semantic[q] @ semantic[n] - semantic[q] @ semantic[p])
        for q, p, n in product(range(len(labels)), repeat=3)
        if inputs.image_modality[q] == SKETCH
        and inputs.image_modality[p] == inputs.image_modality[n] == PHOTO
        and labels[q] == labels[p] != labels[n]
    ]
    found = triplet_loss(semantic, inputs.labels, inputs.image_modality, margins)
    assert found.item() == pytest.approx(np.mean([value for value in short if value > 0]), abs=1e-5)
    assert margins.diagonal().abs().max() < 1e-6


def test_triplets_that_keep_their_distance_cost_nothing() -> None:
    semantic = torch.eye(2).repeat(2, 1).requires_grad_()
    labels, modality = torch.tensor([0, 1, 0, 1]), torch.tensor([SKETCH, SKETCH, PHOTO, PHOTO])
    found = triplet_loss(semantic, labels, modality)
    assert (found.item(), found.requires_grad) == (0.0, True)


def test_a_batch_without_positives_costs_nothing_but_keeps_its_graph() -> None:
    semantic = unit(torch.randn(4, 3)).requires_grad_()
    kinds = torch.tensor([SKETCH, SKETCH, PHOTO, PHOTO])
    loss = cross_modal_loss(semantic, torch.arange(4), kinds)
    (gradient,) = torch.autograd.grad(loss, [semantic])
    assert loss.item() == 0
    assert not gradient.any()
    only_photos = instance_loss(semantic, torch.arange(4), torch.full((4,), PHOTO))
    assert only_photos.item() == 0


def test_our_terms_are_absent_until_they_have_a_weight(inputs: LossInputs) -> None:
    assert not {"multi_positive", "cross_modal", "instance", "triplet"} & set(total(inputs, AUTHORS))
    ours = total(inputs, LossWeights(clip=0, multi_positive=1, cross_modal=0.5, instance=0.25).active())
    expected = (
        ours["multi_positive"]
        + 0.5 * ours["cross_modal"]
        + 0.25 * ours["instance"]
        + 0.1 * (ours["semantic_centre"] + ours["modality_classifier"])
        + 0.02 * ours["reconstruction"]
    ) / 1.97
    assert ours["total"].item() == pytest.approx(expected.item(), abs=1e-12)
