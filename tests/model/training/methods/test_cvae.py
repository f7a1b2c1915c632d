"""CVAE and CAAE: their losses and vectors, by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.data.datasets import Dataset
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.cvae import Cvae
from model.training.objective import Objective
from model.training.recipe import read_recipe
from tests.kit.training import learned, tiny_objective, unlearned, with_pairs

SMALL = {
    "architecture": "test_efficientnet",
    "dimension": 6,
    "size": 32,
    "batch": 8,
    "steps": 3,
    "views": 1,
}


def objective(data: Dataset, method: str, **options: object) -> Objective:
    small = {"hidden": 16, "code": 4, "samples": 7, "stages": (3, 4)}
    recipe = read_recipe("lite-base", method, **SMALL, tower="nothing", options=small | options)
    return tiny_objective(recipe, with_pairs(data))


def parts(found: Objective) -> tuple[Cvae, Tensor, Tensor]:
    """The method, and a step's standardised sketches and photos."""
    method, seen = found.method, found.seen(0)
    assert isinstance(method, Cvae)
    with torch.no_grad():
        vectors = method.pooled(found.learner, seen.inputs, seen.modality)
    count = len(vectors) // 2
    assert seen.modality.tolist() == [SKETCH] * count + [PHOTO] * count
    assert seen.rows[count:].tolist() == seen.own_photo[:count].tolist(), "a sketch and its own photo"
    return method, vectors[:count], vectors[count:]


def test_the_loss_is_that_of_a_conditional_autoencoder(figures: Dataset) -> None:
    found = objective(figures, "cvae", decode=2.0, code_weight=0.5, again=3.0)
    found.network.eval()
    method, sketch, photo = parts(found)
    torch.manual_seed(5)
    told = {name: float(term.detach()) for name, term in found.loss(0).items()}
    torch.manual_seed(5)
    with torch.no_grad():
        hidden = method.encoder(torch.cat([photo, sketch], dim=1))
        mean, log_variance = method.code.mean(hidden).tanh(), method.code.log_variance(hidden).tanh()
        code = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        made = sketch + method.decoder(torch.cat([code, sketch], dim=1))
        again = method.again(made)
    count, width = photo.shape
    decode = sum(float(((made[row] - photo[row]) ** 2).sum()) for row in range(count)) / (count * width)
    back = sum(float(((again[row] - sketch[row]) ** 2).sum()) for row in range(count)) / (count * width)
    divergence = 0.5 * float((log_variance.exp() + mean**2 - 1 - log_variance).sum()) / count
    assert told["decode"] == pytest.approx(decode, rel=1e-4)
    assert told["again"] == pytest.approx(back, rel=1e-4)
    assert told["divergence"] == pytest.approx(divergence, rel=1e-4)
    assert told["total"] == pytest.approx(2 * decode + 0.5 * divergence + 3 * back, rel=1e-4)


@pytest.mark.parametrize("method", ["cvae", "caae"])
def test_at_first_a_sketch_is_the_photo_that_is_made_from_it(figures: Dataset, method: str) -> None:
    found = objective(figures, method)
    inputs, kinds = found.views.images([3, 4]), torch.tensor([SKETCH, SKETCH])
    own = found.method
    assert isinstance(own, Cvae)
    with torch.no_grad():
        wanted = own.pooled.reduced(own.pooled(found.learner, inputs, kinds))
        assert torch.allclose(found.network.eval().embed(inputs, kinds), wanted, atol=1e-2)


def test_weights_are_those_of_the_released_code() -> None:
    options = Cvae.options()
    assert (options.decode, options.code_weight, options.again, options.samples) == (1, 1, 10, 100)
    assert options.dropout == 0.3


@pytest.mark.parametrize("method", ["cvae", "caae"])
def test_a_sketch_is_the_mean_of_the_photos_made_from_it(figures: Dataset, method: str) -> None:
    found = objective(figures, method)
    network, learner = found.network.eval(), found.learner
    inputs, kinds = found.views.images([0, 3, 1]), torch.tensor([PHOTO, SKETCH, PHOTO])
    own = found.method
    assert isinstance(own, Cvae)
    with torch.no_grad():
        vectors = own.pooled(learner, inputs, kinds)
        torch.nn.init.normal_(own.decoder[-1].weight)  # type: ignore[index]
        made = [vectors[1] + own.decoder(torch.cat([code, vectors[1]])[None])[0] for code in own.noise]
        assert len(made) == 7
        vectors[1] = sum(made) / 7  # type: ignore[assignment]
        wanted = F.normalize(vectors @ own.pooled.directions.T, dim=1)
        first, second = network.embed(inputs, kinds), network.embed(inputs, kinds)
    assert torch.allclose(first, wanted, atol=1e-5)
    assert torch.equal(first, second)
    assert torch.allclose(first.norm(dim=1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("method", ["cvae", "caae"])
def test_what_it_should_learn_it_learns(figures: Dataset, method: str) -> None:
    assert not unlearned(objective(figures, method))


@pytest.mark.parametrize("method", ["cvae", "caae"])
def test_photos_are_met_better_and_better(figures: Dataset, method: str) -> None:
    before, after = learned(objective(figures, method, hidden=64, dropout=0), steps=40)
    assert after["decode"] < 0.9 * before["decode"]
    assert after["again"] < 0.9 * before["again"]


@pytest.mark.parametrize("method", ["cvae", "caae"])
def test_it_is_compared_but_not_published(figures: Dataset, method: str) -> None:
    found = objective(figures, method).method
    assert not found.publishes
    assert found.recipe == {"tower": "nothing", "head_rate": 1e-3}


def test_a_trained_tower_does_not_move_what_is_to_be_met(figures: Dataset) -> None:
    """The photo's vector could come to the decoder, which would make all photos alike."""
    recipe = read_recipe(
        "lite-base",
        "cvae",
        **SMALL,
        options={"hidden": 16, "code": 4, "decode": 1, "code_weight": 0, "again": 0, "stages": (3, 4)},
    )
    found = tiny_objective(recipe, with_pairs(figures))
    method = found.method
    assert isinstance(method, Cvae)
    with torch.no_grad():
        # Nothing of the sketch or the code reaches what is made.
        method.decoder[-1].weight.zero_()  # type: ignore[index, union-attr]
    method.pooled.deviation[SKETCH] = torch.inf
    found.loss(0)["total"].backward()  # type: ignore[no-untyped-call]
    moved = [value.grad for value in found.learner.parameters() if value.grad is not None]
    assert moved, "the tower is trained"
    assert not any(bool(grad.any()) for grad in moved)


def test_caae_holds_codes_to_draws_by_an_adversary(figures: Dataset) -> None:
    found = objective(figures, "caae", code_weight=0.5)
    found.network.eval()
    method, sketch, photo = parts(found)
    torch.manual_seed(6)
    terms = {name: float(term.detach()) for name, term in found.loss(0).items()}
    torch.manual_seed(6)
    with torch.no_grad():
        codes = method.code.mean(method.encoder(torch.cat([photo, sketch], dim=1)))
        real = torch.randn_like(codes)
        logits = method.adversary(torch.cat([real, codes]))[:, 0]
        told = F.binary_cross_entropy_with_logits(logits, torch.tensor([1.0] * 4 + [0.0] * 4))
        deceived = F.binary_cross_entropy_with_logits(logits[4:], torch.ones(4))
        made = sketch + method.decoder(torch.cat([codes, sketch], dim=1))
    assert terms["adversary"] == pytest.approx(2 * float(told) + float(deceived), rel=1e-4)
    assert terms["decode"] == pytest.approx(float((made - photo).square().mean()), rel=1e-4)
    assert "divergence" not in terms
    assert terms["total"] == pytest.approx(
        terms["decode"] + 0.5 * terms["adversary"] + 10 * terms["again"], rel=1e-4
    )


def test_caaes_encoder_deceives_the_adversary(figures: Dataset) -> None:
    """Beside draws, the adversary believes in codes more with the encoder's steps, and less with its own."""
    for part, rises in (("encoder", True), ("adversary", False)):
        found = objective(figures, "caae", decode=0, again=0)
        for name, value in found.network.named_parameters():
            value.requires_grad_(name.startswith(f"method.{part}"))
        before = belief(found)
        learned(found, steps=20)
        assert (belief(found) > before) == rises, part


def belief(found: Objective) -> float:
    found.network.eval()
    method, sketch, photo = parts(found)
    with torch.no_grad():
        codes = method.code.mean(method.encoder(torch.cat([photo, sketch], dim=1)))
        draws = torch.randn(256, codes.shape[1], generator=torch.Generator().manual_seed(1))
        return float(method.adversary(codes).mean() - method.adversary(draws).mean())
