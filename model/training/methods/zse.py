"""ZSE-SBIR: a drawing and a photo are compared part by part (Lin et al., CVPR 2023).

The network gives [Ret], a token for the whole, and local tokens; a cross-attention reads both sides together, and a
relation network scores their kernel, all cosines of local tokens. An index holds [Ret] as it is before the
cross-attention (the authors' ZSE-Ret); `score` is their ZSE-RN. `model.training.zse` has the equations.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from model.backbones.tokens import Tokens
from model.data.datasets import PHOTO as PHOTOS
from model.data.datasets import Record
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.sampling import Rows
from model.training.views import Annotations, Views
from model.training.zse import formulas
from model.training.zse.layers import Anchors, CrossAttention, Exchange, Relation

# A draw: two sketches and a photo of a class, and a photo of another one.
_DRAWN = 4


class ZseOptions(Options):
    """`anchors` per side of the kernel, fewer where the network has fewer cells; `width` of an anchor."""

    exchange: Exchange = "code"
    heads: int = Field(default=8, ge=1)
    hidden: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    anchors: int = Field(default=7, ge=1)
    width: int = Field(default=512, ge=1)
    margin: float = Field(default=1.0, ge=0)
    # Cells of the anchors' map as the released code has them, which are no places of the picture.
    scrambled: bool = False


@dataclass(frozen=True)
class Compared:
    """Pairs, read together: [Ret] of both sides, and the logits of their scores."""

    sketch: Tensor
    photo: Tensor
    kernel: Tensor
    logits: Tensor


class Zse(Method):
    """[Ret] is embedded as it is where the recipe's dimension is the network's width, else projected."""

    options = ZseOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES})
    title = "ZSE-SBIR"

    def __init__(self, options: ZseOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        heads = math.gcd(options.heads, dimension)
        self.cross = CrossAttention(dimension, options.exchange, heads, options.hidden, options.dropout)
        self.narrow: nn.Module = nn.Identity()
        self.anchors: nn.Module = nn.Identity()
        self.relation: nn.Module = nn.Identity()

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        if (
            isinstance(learner, LiteLearner)
            and learner.projection.weight.shape[0] == learner.projection.weight.shape[1]
        ):
            nn.init.eye_(learner.projection.weight)
            learner.projection.requires_grad_(False)
        self.fit(learner, views.images([0], 0))

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        """Make the layers that depend on the network's cells; the same ones whenever the run is resumed."""
        found = learner.tokens(example)
        width, side = found.local.shape[-1], found.side
        block = max(1, side // self.settings.anchors)
        with torch.random.fork_rng():
            torch.manual_seed(side)
            self.narrow = nn.Identity() if width == self.dimension else nn.Linear(width, self.dimension)
            self.anchors = Anchors(
                self.dimension, self.settings.width, block, as_released=self.settings.scrambled
            )
            self.relation = Relation((side // block) ** 2, self.settings.dropout)

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> "Draws":
        return Draws(known.records, batch, seed)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        parts = self._parts(learner, seen.inputs)
        half, draws = len(parts.whole) // 2, len(parts.whole) // _DRAWN
        found = self._compare(learner, _rows(parts, slice(0, half)), _rows(parts, slice(half, None)))
        triplet = formulas.triplet_loss(
            found.sketch[:draws], found.photo[:draws], found.photo[draws:], self.settings.margin
        )
        same = torch.arange(half, device=found.logits.device) < draws
        relation = formulas.relation_loss(found.logits, same)
        return {"triplet": triplet, "relation": relation, "total": formulas.total_loss(triplet, relation)}

    def score(self, learner: Learner, sketches: Tensor, photos: Tensor) -> Tensor:
        """Logits, not scores: sigmoids tie sooner."""
        return self.compare(learner, *(self.parts(learner, each) for each in (sketches, photos)))

    @torch.no_grad()
    def parts(self, learner: Learner, inputs: Tensor) -> Tensor:
        """[Ret] and the local tokens as one map (n, 1 + k, width + 1); the last number says which cell it is."""
        found = self._parts(learner, inputs)
        whole = torch.cat([found.whole, found.whole.new_full((len(found.whole), 1), found.side)], dim=1)
        local = torch.cat([found.local, found.places[..., None].to(found.local)], dim=2)
        return torch.cat([whole[:, None], local], dim=1)

    @torch.no_grad()
    def compare(self, learner: Learner, sketches: Tensor, photos: Tensor) -> Tensor:
        drawn, shown = _tokens(sketches), _tokens(photos)
        rows = []
        for number in range(len(sketches)):
            one = _rows(drawn, [number] * len(photos))
            rows.append(self._compare(learner, one, shown).logits)
        return torch.stack(rows)

    def explain(
        self, learner: Learner, sketch: Tensor, photo: Tensor, without: Sequence[Sequence[int]] = ()
    ) -> Mapping[str, Any]:
        """The kernel, and how much each of its cosines adds to the logit; with `rest`, these sum up to it.

        The relation network is linear wherever no unit changes its sign, so this is a decomposition and no guess.
        `attention` is how much [Ret] of both attends to each cell, None for networks that have no [Ret].
        """
        drawn, shown = (self._parts(learner, each) for each in (sketch, photo))
        with torch.enable_grad():
            kernel = self._compare(learner, drawn, shown).kernel.detach().requires_grad_()
            logit = self.relation(kernel)
            (slope,) = torch.autograd.grad(logit.sum(), kernel)
        adds = (slope * kernel).detach()
        lessened = kernel.detach().repeat(len(without), 1, 1)
        for row, cells in enumerate(without):
            lessened[row, :, list(cells)] = 0
        return {
            "kernel": kernel.detach()[0],
            "adds": adds[0],
            "rest": float(logit.detach() - adds.sum()),
            "logit": float(logit.detach()),
            "left": self.relation(lessened).detach(),
            "attention": tuple(_attention(each) for each in (drawn, shown)),
        }

    def _parts(self, learner: Learner, inputs: Tensor) -> Tokens:
        """Tokens as wide as an embedding; the whole is [Ret]."""
        with learner.autocast(inputs.device.type):
            found = learner.tokens(inputs)
            whole, local = learner.project(found.whole), self.narrow(found.local)
        return Tokens(whole.float(), local.float(), found.places, found.side, found.attend)

    def _compare(self, learner: Learner, sketch: Tokens, photo: Tokens) -> Compared:
        # Nearly all the time goes into reading. What is made of it is not halved: logits would tie by the hundred.
        with learner.autocast(sketch.whole.device.type):
            drawn, shown = self._read(sketch, photo)
        anchors = [
            self.anchors(formulas.spread(read[:, 1:], one.places, one.side**2))
            for read, one in ((drawn, sketch), (shown, photo))
        ]
        kernel = formulas.kernel(*anchors)
        return Compared(drawn[:, 0], shown[:, 0], kernel, self.relation(kernel))

    def _read(self, sketch: Tokens, photo: Tokens) -> Sequence[Tensor]:
        """[Ret] and the local tokens of both sides, after each has read the other."""
        sides = (torch.cat([one.whole[:, None], one.local], dim=1) for one in (sketch, photo))
        return [side.float() for side in self.cross(*sides)]


class Draws:
    """The authors' sampling: classes are drawn evenly, however many pictures they have.

    A step's rows are all first sketches, all second ones, all photos of their class, all photos of another.
    """

    def __init__(self, records: Sequence[Record], batch: int, seed: int) -> None:
        by_label: dict[str, tuple[list[int], list[int]]] = {}
        for row, record in enumerate(records):
            by_label.setdefault(record.label, ([], []))[record.modality == PHOTOS].append(row)
        self._classes = [by_label[label] for label in sorted(by_label) if all(by_label[label])]
        self._draws, self._seed = max(1, batch // _DRAWN), seed

    def __call__(self, step: int) -> Rows:
        chance = np.random.default_rng([self._seed, step])
        drawn = [self._draw(chance) for _ in range(self._draws)]
        return Rows([row for part in zip(*drawn, strict=True) for row in part], [])

    def _draw(self, chance: np.random.Generator) -> list[int]:
        one, other = chance.choice(len(self._classes), 2, replace=False)
        sketches, photos = self._classes[one]
        _, others = self._classes[other]
        return [int(chance.choice(rows)) for rows in (sketches, sketches, photos, others)]


def _rows(tokens: Tokens, rows: slice | list[int]) -> Tokens:
    return Tokens(tokens.whole[rows], tokens.local[rows], tokens.places[rows], tokens.side)


def _tokens(parts: Tensor) -> Tokens:
    """What `Zse.parts` made one map of."""
    places = parts[:, 1:, -1].long()
    return Tokens(parts[:, 0, :-1], parts[:, 1:, :-1], places, int(parts[0, 0, -1]))


@torch.no_grad()
def _attention(tokens: Tokens) -> Tensor | None:
    """The mean over heads, as the map (side, side) of the first picture."""
    if tokens.attend is None:
        return None
    weights = tokens.attend().mean(dim=1)[:1]
    whole = formulas.spread(weights[..., None].float(), tokens.places[:1], tokens.side**2)
    return whole.reshape(tokens.side, tokens.side)
