"""Anchors: the closed-form start, and each term against its own definition."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.data.datasets import PHOTO as PHOTOS
from model.data.datasets import DataProblem
from model.training import anchors
from model.training.anchors import Anchors, Shown
from model.training.learner import LiteLearner
from model.training.losses import PHOTO, SKETCH, TEXT, unit
from model.training.recipe import AnchorWeights
from model.training.views import Material, with_pseudo_sketches
from tests.kit.training import LABELS, say, tiny_data, tiny_learner, tiny_recipe

RECIPE = tiny_recipe()
EVERY = AnchorWeights(prototypes=1, words=1, across=1, keep_photos=1, own_photo=1)


def laid(folder: Path) -> tuple[LiteLearner, Material, Anchors, np.ndarray]:
    data = tiny_data(folder)
    learner = tiny_learner(RECIPE)
    material = Material(data.records, learner, size=32, views=1, seed=0)
    labels = anchors.label_rows(data.records, data.labels)
    words = say([caption.format(label) for label in data.labels for caption in RECIPE.captions])
    return learner, material, anchors.lay(learner, material, labels, words.view(len(LABELS), -1, 384)), labels


def test_the_start_keeps_photos_where_the_reference_has_them(tmp_path: Path) -> None:
    learner, material, reference, _ = laid(tmp_path)
    photos = [row for row, record in enumerate(material.records) if record.modality == PHOTOS]
    embedded = learner.images(material.images(photos))
    semantic = unit(embedded - learner.encodings[PHOTO])
    assert torch.allclose(semantic, reference.photos[photos], atol=1e-4)
    assert not reference.photos[[row for row in range(len(material)) if row not in photos]].any()


def test_encodings_start_as_the_mean_of_their_modality(tmp_path: Path) -> None:
    learner, material, _, _ = laid(tmp_path)
    for modality, index in ((PHOTOS, PHOTO), ("sketch", SKETCH)):
        rows = [row for row, record in enumerate(material.records) if record.modality == modality]
        mean = learner.images(material.images(rows)).mean(0)
        assert torch.allclose(learner.encodings[index], mean, atol=1e-4)


def test_the_projection_is_orthonormal_and_words_point_to_their_photos(tmp_path: Path) -> None:
    learner, _, reference, _ = laid(tmp_path)
    rows = learner.projection.weight
    assert torch.allclose(rows @ rows.T, torch.eye(RECIPE.dimension), atol=1e-4)
    said = unit(learner.texts(reference.words[:, 0]))
    assert (said @ reference.prototypes.T).argmax(1).tolist() == reference.prototype_of.tolist()


def shown(reference: Anchors) -> Shown:
    torch.manual_seed(5)
    return Shown(
        semantic=unit(torch.randn(4, RECIPE.dimension)),
        rows=torch.tensor([0, 1, 2, 3]),
        labels=torch.tensor([0, 1, 0, 1]),
        modality=torch.tensor([SKETCH, SKETCH, PHOTO, PHOTO]),
        own_photo=torch.tensor([2, -1, -1, -1]),
        words=unit(torch.randn(len(reference.words), RECIPE.dimension)),
    )


def reference() -> Anchors:
    torch.manual_seed(6)
    return Anchors(
        unit(torch.randn(4, RECIPE.dimension)),
        unit(torch.randn(2, RECIPE.dimension)),
        torch.tensor([1, 0, -1]),
        torch.randn(3, 1, 384),
    )


def smoothed(logits: torch.Tensor, target: int) -> float:
    log = torch.log_softmax(logits, 0)
    share = torch.full_like(log, anchors.SMOOTHING / len(log))
    share[target] += 1 - anchors.SMOOTHING
    return -float((share * log).sum())


def test_terms_are_what_they_say() -> None:
    fixed = reference()
    batch, scale = shown(fixed), 1.3
    found = anchors.terms(batch, fixed, EVERY, scale)
    s, e = batch.semantic, float(np.exp(scale))
    to_prototypes = [smoothed(e * s[row] @ fixed.prototypes.T, target) for row, target in ((0, 1), (1, 0))]
    assert float(found["prototypes"]) == pytest.approx(np.mean(to_prototypes), abs=1e-5)
    to_words = [smoothed(e * s[row] @ batch.words.T, int(batch.labels[row])) for row in range(4)]
    assert float(found["words"]) == pytest.approx(np.mean(to_words), abs=1e-5)
    kept = [1 - float(s[row] @ fixed.photos[row]) for row in (2, 3)]
    assert float(found["keep_photos"]) == pytest.approx(np.mean(kept), abs=1e-5)
    assert float(found["own_photo"]) == pytest.approx(1 - float(s[0] @ fixed.photos[2]), abs=1e-5)
    logits = e * s[:2] @ s[2:].T
    across = -(torch.log_softmax(logits, 1).diag().mean() + torch.log_softmax(logits, 0).diag().mean()) / 2
    assert float(found["across"]) == pytest.approx(float(across), abs=1e-5)


def test_only_wanted_terms_are_computed() -> None:
    fixed = reference()
    assert set(anchors.terms(shown(fixed), fixed, AnchorWeights(words=1), 1.0)) == {"words"}


def test_a_label_without_photos_has_no_prototype_and_adds_nothing() -> None:
    fixed = reference()
    batch = shown(fixed)
    lonely = Shown(
        batch.semantic, batch.rows, torch.tensor([2, 2, 0, 1]), batch.modality, batch.own_photo, batch.words
    )
    assert float(anchors.terms(lonely, fixed, AnchorWeights(prototypes=1), 1.0)["prototypes"]) == 0.0


def test_data_of_one_modality_is_refused(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    learner = tiny_learner(RECIPE)
    material = Material(data.of(PHOTOS), learner, size=32, views=1, seed=0)
    labels = anchors.label_rows(material.records, data.labels)
    with pytest.raises(DataProblem, match="12 and 0"):
        anchors.lay(learner, material, labels, torch.zeros(4, 1, 384))


def test_encodings_measured_again_are_the_means_of_what_training_left(tmp_path: Path) -> None:
    learner, material, reference, labels = laid(tmp_path)
    with torch.no_grad():
        learner.projection.weight.add_(torch.randn_like(learner.projection.weight) * 0.1)
    anchors.measure_encodings(learner, material, labels, reference.words)
    for modality, index in ((PHOTOS, PHOTO), ("sketch", SKETCH)):
        rows = [row for row, record in enumerate(material.records) if record.modality == modality]
        mean = learner.images(material.images(rows)).mean(0)
        assert torch.allclose(learner.encodings[index], mean, atol=1e-4)
    said = learner.texts(reference.words[:, 0])
    assert torch.allclose(learner.encodings[TEXT], said.mean(0), atol=1e-5)


def test_edges_of_photos_do_not_say_what_drawings_have_in_common(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    learner = tiny_learner(RECIPE)
    labels = anchors.label_rows(data.records, data.labels)
    records = with_pseudo_sketches(data.records)
    words = say(data.labels).view(len(LABELS), 1, 384)
    found = []
    for rows in (data.records, records):
        material = Material(rows, learner, size=32, views=1, seed=0)
        anchors.measure_encodings(learner, material, anchors.label_rows(rows, data.labels), words)
        found.append(learner.encodings.detach().clone())
    assert len(records) > len(labels)
    assert torch.allclose(found[0], found[1], atol=1e-5)
