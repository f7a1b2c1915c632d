"""A published network, rebuilt from its model folder to score pairs, which its vectors alone cannot.

A folder has the parts `method` and `recipe` if its training method scores pairs (publish.py).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backbones import BACKBONES, weights
from model.card import Checkpoint
from model.errors import ModelError
from model.evaluation.explained import Explained
from model.evaluation.pairs import PairScores
from model.local.parts import inked
from model.modality import Pixels
from model.training.learners import clip
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.methods.base import Method
from model.training.network import Network, method_of
from model.training.recipe import Recipe, read_recipe

Floats = NDArray[np.float32]


def restored(checkpoint: Checkpoint) -> Network:
    """Rebuild learner and method, with the published weights; raises ModelError for a folder without a method."""
    if not checkpoint.has("method"):
        raise ModelError(
            f"model {checkpoint.card.name!r} has no pair scores: train it with a method that scores pairs, such as zse"
        )
    recipe = read_recipe(checkpoint.file("recipe"))
    learner = _learner(checkpoint, recipe)
    method = method_of(recipe)
    with torch.no_grad():
        blank = torch.full((1, recipe.size, recipe.size, 3), 255, dtype=torch.uint8)
        method.fit(learner, learner.prepare(blank))
    path = checkpoint.file("method")
    weights.load(method, weights.full_precision(weights.read(path)), path)
    return Network(method, learner).eval()


def _learner(checkpoint: Checkpoint, recipe: Recipe) -> Learner:
    path = checkpoint.file("torch.image")
    tensors = weights.full_precision(weights.read(path))
    if recipe.towers == "open_clip":
        model, tokenizer = clip.towers(recipe, random_weights=True)
        weights.load(model, tensors, path)
        return clip.ClipLearner(model, tokenizer)
    built = BACKBONES.load(recipe.family)().build(recipe.architecture, None, recipe.size)
    learner = LiteLearner(built, None, recipe)
    # Words are no part of a pair.
    words = {name: value for name, value in learner.state_dict().items() if name.startswith("text.")}
    weights.load(learner, tensors | words, path)
    return learner


class Pairs:
    """Pair scores and explanations of a restored network; pictures are prepared pixels."""

    def __init__(self, network: Network, device: str) -> None:
        network.to(device)
        self.method, self._learner, self._device = network.method, network.learner, device

    @torch.no_grad()
    def photos(self, pixels: Pixels) -> Floats:
        """The parts of photos (n, size, size, 3), a row for each."""
        found: Floats = self.method.parts(self._learner, self._inputs(pixels)).float().cpu().numpy()
        return found

    def sketch(self, pixels: Pixels) -> Floats:
        """The parts of one sketch (size, size, 3)."""
        return self.photos(pixels[None])

    @torch.no_grad()
    def scores(self, sketch: Floats, photos: Floats) -> Floats:
        """How well one sketch fits each of these photos."""
        drawn, shown = (torch.from_numpy(each).to(self._device) for each in (sketch, photos))
        found = self.method.compare(self._learner, drawn, shown)
        assert found is not None, "only methods that score pairs are published with theirs"
        rows: Floats = found[0].float().cpu().numpy()
        return rows

    def explain(self, sketch: Pixels, photo: Pixels) -> Explained | None:
        """What matched, of one sketch and one photo (size, size, 3)."""
        drawn, shown = self._inputs(sketch[None]), self._inputs(photo[None])

        def told(without: Sequence[Sequence[int]] = ()) -> Any:
            with torch.no_grad():
                return self.method.explain(self._learner, drawn, shown, without)

        found = told()
        if found is None:
            return None
        kernel, adds = (found[name].float().cpu().numpy() for name in ("kernel", "adds"))
        side = int(np.sqrt(len(kernel)))
        attention = [
            None if each is None else each.cpu().numpy() for each in found.get("attention", (None, None))
        ]
        return Explained(
            score=found["logit"],
            match=kernel.argmax(axis=1),
            strength=kernel.max(axis=1),
            contribution=adds.sum(axis=1),
            by_photo=adds.sum(axis=0),
            inked=inked(sketch, side),
            attention=(attention[0], attention[1]),
            without=lambda sets: told([[*cells] for cells in sets])["left"].float().cpu().numpy(),
        )

    def _inputs(self, pixels: Pixels) -> Tensor:
        # A copy: what was decoded may be read-only.
        prepared = torch.from_numpy(np.array(pixels))
        with torch.no_grad(), self._learner.autocast(self._device):
            return self._learner.prepare(prepared.to(self._device)).float()


def pair_scores(checkpoint: Checkpoint, device: str) -> PairScores:
    """What `sketchseek evaluate --pairs` asks of a model with the part `method`."""
    pairs = Pairs(restored(checkpoint), device)
    explains = type(pairs.method).explain is not Method.explain
    return PairScores(pairs.sketch, pairs.photos, pairs.scores, pairs.explain if explains else None)
