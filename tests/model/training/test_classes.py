"""What a tower told apart before: words of classes that no training data shows, near where their photos lie."""

from pathlib import Path

import pytest
import torch

from model.backbones.base import Classifier
from model.errors import ModelError
from model.training import anchors, imagenet
from model.training.classes import classes_of
from model.training.learners.lite import LiteLearner
from model.training.views import Annotations, Views
from tests.kit.training import tiny_data, tiny_learner, tiny_objective, tiny_recipe

NO_OTHERS = {"clip": 0.0, "semantic_centre": 0.0, "modality_classifier": 0.0, "reconstruction": 0.0}
WITH_CLASSES = {"anchors": {"words": 1.0, "classes": 2.0}, "loss_weights": NO_OTHERS, "encodings": "means"}
RECIPE = tiny_recipe(options=WITH_CLASSES)


@torch.no_grad()
def test_a_class_lies_where_the_classifier_points() -> None:
    learner = tiny_learner(RECIPE)
    assert learner.classifier is not None
    found = classes_of(learner)
    # A photo that only class 7 fits, and whose features are its weights.
    weight = learner.classifier.weight
    place = torch.nn.functional.normalize(learner.projection(weight[7] - weight.mean(0)), dim=0)
    assert torch.allclose(found.places[7], place, atol=1e-5)
    assert torch.equal(found.places[:1000], found.places[1000:]), "its explanation lies where its name does"
    named = learner.read(["tench", "a photo of a tench"]).mean(0)
    assert torch.allclose(found.words[0], named, atol=1e-5)
    assert torch.allclose(found.words[1000], learner.read([imagenet.explanations()[0]])[0], atol=1e-5)


def laid(folder: Path, *, classes: bool) -> LiteLearner:
    data, learner = tiny_data(folder), tiny_learner(RECIPE)
    views = Views(data.records, learner, size=32, per_record=1, seed=0)
    known = Annotations.of(data.records, data.labels, RECIPE.captions, learner)
    assert (anchors.lay(learner, views, known, classes=classes).classes is not None) == classes
    return learner


def nearness(learner: LiteLearner) -> float:
    """Of the names of classes to their places, at the mean."""
    found = classes_of(learner)
    return float((learner.texts(found.words[:1000]) * found.places[:1000]).sum(1).mean())


@torch.no_grad()
def test_words_start_near_classes_of_which_there_are_no_photos(tmp_path: Path) -> None:
    with_them, without = (laid(tmp_path / str(each), classes=each) for each in (True, False))
    assert nearness(with_them) > nearness(without) + 0.05


def test_training_keeps_words_near_them(tmp_path: Path) -> None:
    data = tiny_data(tmp_path)
    found = tiny_objective(RECIPE, data)
    terms = found.loss(0)
    assert terms["total"].item() == pytest.approx(
        terms["words"].item() + 2 * terms["classes"].item(), rel=1e-5
    )
    assert 0 < terms["classes"].item() < 1
    (slope,) = torch.autograd.grad(terms["classes"], found.network.learner.text.weight)
    assert slope.abs().sum() > 0


def test_a_recipe_without_them_is_the_one_that_it_was() -> None:
    plain = tiny_recipe(options=WITH_CLASSES | {"anchors": {"words": 1.0}})
    said = plain.options.model_dump()["anchors"]
    assert "classes" not in said
    assert said["words"] == 1.0
    assert RECIPE.options.model_dump()["anchors"]["classes"] == 2.0
    assert plain.digest != RECIPE.digest


def test_towers_that_know_no_such_classes_are_refused_by_name() -> None:
    learner = tiny_learner(RECIPE)
    assert learner.classifier is not None
    few = Classifier(learner.classifier.weight[:10], learner.classifier.bias[:10])
    for classifier in (None, few):
        learner.classifier = classifier
        with pytest.raises(ModelError, match=r"`anchors.classes` needs .* set it to 0"):
            classes_of(learner)


def test_so_are_towers_that_read_no_words() -> None:
    learner = tiny_learner(RECIPE)
    learner.reads_words = False
    with pytest.raises(ModelError, match=r"`anchors.classes` needs a text tower"):
        classes_of(learner)
