"""PCMSN: each term, and the vectors of pictures and words, by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from model.data.datasets import Dataset
from model.training.blocks import adversary
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.pcmsn import Pcmsn
from model.training.objective import Objective
from model.training.recipe import read_recipe
from tests.kit.training import learned, say, tiny_objective, unlearned

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 8,
    "size": 32,
    "batch": 8,
    "steps": 3,
    "views": 1,
}
WEIGHTS = {"semantic": 1, "rebuild": 0.5, "classes_fixed": 0.4, "pair": 1}


def objective(data: Dataset, **options: object) -> Objective:
    small = {"hidden": 16, "stages": (3, 4)}
    recipe = read_recipe("lite-base", "pcmsn", **SMALL, tower="nothing", options=small | options)
    return tiny_objective(recipe, data)


def method_of(found: Objective) -> Pcmsn:
    assert isinstance(found.method, Pcmsn)
    return found.method


@pytest.mark.parametrize("pair_of", ["unit codes", "codes"])
def test_each_term_by_hand(figures: Dataset, pair_of: str) -> None:
    found = objective(figures, pair_of=pair_of)
    found.network.eval()
    method, seen = method_of(found), found.seen(0)
    told = {name: float(term.detach()) for name, term in found.loss(0).items()}
    assert seen.modality.tolist() == [SKETCH] * 4 + [PHOTO] * 4
    assert seen.labels[:4].tolist() == seen.labels[4:].tolist()
    with torch.no_grad():
        vectors = method.pooled(found.learner, seen.inputs, seen.modality)
        meant = torch.cat([method.nets["drawn"](vectors[:4]), method.nets["shown"](vectors[4:])])
        codes = method.nets["code"](meant)
        semantic = rebuild = classes = pair = 0.0
        for row, label in enumerate(seen.labels.tolist()):
            semantic += (1 - float(F.cosine_similarity(meant[row], method.words[label], dim=0))) / 8
            logits = [math.exp(float(codes[row] @ each)) for each in method.directions]
            classes -= math.log(logits[label] / sum(logits)) / 8
            for name, wanted in (("to sketch", vectors[row % 4]), ("to photo", vectors[4 + row % 4])):
                rebuild += float((method.nets[name](meant[row : row + 1])[0] - wanted).square().mean()) / 4
        for row in range(4):
            one, other = codes[row], codes[row + 4]
            if pair_of == "unit codes":
                one, other = one / one.square().sum().sqrt(), other / other.square().sum().sqrt()
            pair += float((one - other).square().sum().sqrt()) / 4
    wanted_terms = {"semantic": semantic, "rebuild": rebuild, "classes_fixed": classes, "pair": pair}
    for name, value in wanted_terms.items():
        assert told[name] == pytest.approx(value, rel=1e-3), name
    total = sum(WEIGHTS[name] * value for name, value in wanted_terms.items())
    assert told["total"] == pytest.approx(total, rel=1e-3)


def test_labels_are_the_mean_of_their_captions(figures: Dataset) -> None:
    found = objective(figures)
    captions = found.recipe.captions
    for number, name in enumerate(found.known.names):
        wanted = F.normalize(say([caption.format(name) for caption in captions]).mean(0), dim=0)
        assert torch.allclose(method_of(found).words[number], wanted, atol=1e-6)


def test_the_authors_adversary_tells_words_from_what_pictures_mean(
    figures: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversary, "SOFT", ((1.0, 1.0), (0.0, 0.0)))
    found = objective(figures, semantic="adversary")
    found.network.eval()
    method, seen = method_of(found), found.seen(0)
    told = float(found.loss(0)["semantic"].detach())
    with torch.no_grad():
        meant = method.semantic(method.pooled(found.learner, seen.inputs, seen.modality), seen.modality)
        right = method.nets["adversary"](method.words[seen.labels]) - 1
        wrong = method.nets["adversary"](meant)
    assert told == pytest.approx(
        0.5 * float((right**2).mean() + (wrong**2).mean() + ((wrong - 1) ** 2).mean()), rel=1e-3
    )
    assert not unlearned(objective(figures, semantic="adversary"))


def test_pictures_and_words_become_codes(figures: Dataset) -> None:
    found = objective(figures)
    method, network, kinds = method_of(found), found.network.eval(), torch.tensor([PHOTO, SKETCH])
    inputs = found.views.images([0, 3])
    said = 3 * say(["a ball", "a box"])
    with torch.no_grad():
        vectors = method.pooled(found.learner, inputs, kinds)
        meant = torch.cat([method.nets["shown"](vectors[:1]), method.nets["drawn"](vectors[1:])])
        wanted = F.normalize(method.nets["code"](meant), dim=1)
        assert torch.allclose(network.embed(inputs, kinds), wanted, atol=1e-5)
        words = F.normalize(method.nets["code"](said / 3), dim=1)
        assert torch.allclose(method.texts(found.learner, said), words, atol=1e-5)


def test_what_it_should_learn_it_learns(figures: Dataset) -> None:
    found = objective(figures)
    assert not unlearned(found)
    before, after = learned(objective(figures), steps=20)
    for name in ("semantic", "rebuild", "classes_fixed", "total"):
        assert after[name] < 0.95 * before[name], name
    assert not found.method.publishes
