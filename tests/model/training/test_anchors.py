"""Anchors: the closed-form start, and each term against its own definition."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.data.datasets import DataProblem
from model.training import anchors
from model.training.anchors import Anchors, Shown
from model.training.learners.lite import LiteLearner
from model.training.losses.encodings import PHOTO, SKETCH, TEXT
from model.training.methods.masbir import AnchorWeights
from model.training.views import Annotations, Views
from tests.kit.training import tiny_data, tiny_learner, tiny_recipe

RECIPE = tiny_recipe()
NONE = dict(AnchorWeights())
EVERY = dict.fromkeys(NONE, 1.0)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def laid(folder: Path) -> tuple[LiteLearner, Views, Annotations, Anchors]:
    data = tiny_data(folder)
    learner = tiny_learner(RECIPE)
    views = Views(data.records, learner, size=32, per_record=1, seed=0)
    known = Annotations.of(data.records, data.labels, RECIPE.captions, learner)
    return learner, views, known, anchors.lay(learner, views, known)


def rows_of(known: Annotations, modality: int) -> list[int]:
    return np.flatnonzero(known.modality == modality).tolist()


@torch.no_grad()
def test_the_start_keeps_photos_where_the_reference_has_them(tmp_path: Path) -> None:
    learner, views, known, reference = laid(tmp_path)
    photos = rows_of(known, PHOTO)
    semantic = unit(learner.images(views.images(photos)) - reference.encodings[PHOTO])
    assert torch.allclose(semantic, reference.photos[photos], atol=1e-4)
    assert not reference.photos[rows_of(known, SKETCH)].any()
    assert torch.equal(reference.gallery, reference.photos[photos])
    assert reference.gallery_labels.tolist() == known.labels[photos].tolist()


@torch.no_grad()
def test_drawings_may_choose_among_drawn_labels_only(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    without = data.labels[1]
    data = data.where(lambda record: record.label != without or record.modality == "photo")
    learner = tiny_learner(RECIPE)
    views = Views(data.records, learner, size=32, per_record=1, seed=0)
    known = Annotations.of(data.records, data.labels, RECIPE.captions, learner)
    every, some = (anchors.lay(learner, views, known, drawn_only=only) for only in (False, True))
    assert every.prototype_of.tolist() == [*range(len(data.labels))]
    assert some.prototype_of[1] == -1
    left = [0, *range(2, len(data.labels))]
    assert torch.equal(some.prototypes[some.prototype_of[left]], every.prototypes[left])
    assert set(every.gallery_labels.tolist()) == {*range(len(data.labels))}
    assert set(some.gallery_labels.tolist()) == {*left}
    assert len(some.gallery) == len(some.gallery_labels)
    assert torch.equal(some.photos, every.photos), "photos of others stay where they are"
    assert torch.equal(some.encodings, every.encodings)


@torch.no_grad()
def test_encodings_start_as_the_mean_of_their_modality(tmp_path: Path) -> None:
    learner, views, known, reference = laid(tmp_path)
    for modality in (PHOTO, SKETCH):
        mean = learner.images(views.images(rows_of(known, modality))).mean(0)
        assert torch.allclose(reference.encodings[modality], mean, atol=1e-4)


@torch.no_grad()
def test_the_projection_is_orthonormal_and_words_point_to_their_photos(tmp_path: Path) -> None:
    learner, _, known, reference = laid(tmp_path)
    rows = learner.projection.weight
    assert torch.allclose(rows @ rows.T, torch.eye(RECIPE.dimension), atol=1e-4)
    assert known.words is not None
    said = learner.texts(known.words[:, 0])
    assert (said @ reference.prototypes.T).argmax(1).tolist() == reference.prototype_of.tolist()


def shown(reference: Anchors) -> Shown:
    torch.manual_seed(5)
    return Shown(
        semantic=unit(torch.randn(4, RECIPE.dimension)),
        rows=torch.tensor([0, 1, 2, 3]),
        labels=torch.tensor([0, 1, 0, 1]),
        modality=torch.tensor([SKETCH, SKETCH, PHOTO, PHOTO]),
        own_photo=torch.tensor([2, -1, -1, -1]),
        words=unit(torch.randn(3, RECIPE.dimension)),
    )


def reference() -> Anchors:
    torch.manual_seed(6)
    return Anchors(
        unit(torch.randn(4, RECIPE.dimension)),
        unit(torch.randn(2, RECIPE.dimension)),
        torch.tensor([1, 0, -1]),
        torch.zeros(4, RECIPE.dimension),
        unit(torch.randn(2, RECIPE.dimension)),
        torch.tensor([0, 1]),
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
    chosen = [torch.softmax(e * s[row] @ fixed.gallery.T, 0)[row] for row in (0, 1)]
    assert float(found["gallery"]) == pytest.approx(-np.mean(np.log(chosen)), abs=1e-5)
    logits = e * s[:2] @ s[2:].T
    across = -(torch.log_softmax(logits, 1).diag().mean() + torch.log_softmax(logits, 0).diag().mean()) / 2
    assert float(found["across"]) == pytest.approx(float(across), abs=1e-5)


def test_wrong_kinds_count_more_the_nearer_they_are_to_the_right_one() -> None:
    fixed = reference()
    batch, scale, near = shown(fixed), 1.3, 0.4
    found = anchors.terms(batch, fixed, NONE | {"prototypes": 1.0, "words": 1.0}, scale, near)

    def harder(row: int, kinds: torch.Tensor, target: int) -> float:
        alike = [max(0.0, float(kind @ kinds[target])) for kind in kinds]
        alike[target] = 0.0
        preferred = torch.tensor(alike)
        return smoothed(float(np.exp(scale)) * (batch.semantic[row] @ kinds.T + near * preferred), target)

    to_prototypes = [harder(row, fixed.prototypes, target) for row, target in ((0, 1), (1, 0))]
    assert float(found["prototypes"]) == pytest.approx(np.mean(to_prototypes), abs=1e-5)
    to_words = [harder(row, batch.words, int(batch.labels[row])) for row in range(4)]
    assert float(found["words"]) == pytest.approx(np.mean(to_words), abs=1e-5)
    plain = anchors.terms(batch, fixed, NONE | {"words": 1.0}, scale)["words"]
    assert found["words"] > plain


def test_only_wanted_terms_are_computed() -> None:
    fixed = reference()
    assert set(anchors.terms(shown(fixed), fixed, NONE | {"words": 1.0}, 1.0)) == {"words"}


def test_a_label_without_photos_has_no_prototype_and_adds_nothing() -> None:
    fixed = reference()
    batch = shown(fixed)
    lonely = Shown(
        batch.semantic, batch.rows, torch.tensor([2, 2, 0, 1]), batch.modality, batch.own_photo, batch.words
    )
    for term in ("prototypes", "gallery"):
        assert float(anchors.terms(lonely, fixed, NONE | {term: 1.0}, 1.0)[term]) == 0.0


def test_data_of_one_modality_is_refused(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    learner = tiny_learner(RECIPE)
    views = Views(data.of("photo"), learner, size=32, per_record=1, seed=0)
    known = Annotations.of(views.records, data.labels, RECIPE.captions, learner)
    with pytest.raises(DataProblem, match="12 and 0"):
        anchors.lay(learner, views, known)


@torch.no_grad()
def test_encodings_measured_again_are_the_means_of_what_training_left(tmp_path: Path) -> None:
    learner, views, known, _ = laid(tmp_path)
    learner.projection.weight.add_(torch.randn_like(learner.projection.weight) * 0.1)
    found = anchors.measure_encodings(learner, views, known)
    for modality in (PHOTO, SKETCH):
        mean = learner.images(views.images(rows_of(known, modality))).mean(0)
        assert torch.allclose(found[modality], mean, atol=1e-4)
    assert known.words is not None
    assert torch.allclose(found[TEXT], learner.texts(known.words[:, 0]).mean(0), atol=1e-5)


def test_a_few_photos_are_enough_where_single_precision_finds_no_directions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = torch.linalg.eigh

    def picky(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("the algorithm failed to converge")
        return real(matrix)

    vectors, weights = unit(torch.randn(5, 40)), torch.full((5,), 0.2)
    known = anchors.principal(vectors, weights, 3)
    monkeypatch.setattr(torch.linalg, "eigh", picky)
    found = anchors.principal(vectors, weights, 3)
    assert found.dtype == torch.float32
    assert torch.allclose(found.abs(), known.abs(), atol=1e-4)


@torch.no_grad()
def test_words_are_laid_again_where_photos_are_now(tmp_path: Path) -> None:
    learner, views, known, _ = laid(tmp_path)
    learner.projection.weight.normal_(generator=torch.Generator().manual_seed(7))
    photos = rows_of(known, PHOTO)
    embedded, labels = learner.images(views.images(photos)), torch.from_numpy(known.labels[photos])
    before = learner.projection.weight.clone()
    anchors.lay_words(learner, views, known)
    means = unit(torch.stack([embedded[labels == label].mean(0) for label in range(len(known.names))]))
    assert known.words is not None
    said = torch.cat([known.words.mean(1), torch.ones(len(means), 1)], dim=1)
    square = said.T @ said + anchors.RIDGE * torch.eye(said.shape[1])
    wanted = torch.linalg.solve(square, said.T @ means)
    assert torch.allclose(learner.text.weight, wanted[:-1].T, atol=1e-4)
    assert torch.equal(learner.projection.weight, before)
