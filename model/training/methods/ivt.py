"""IVT, reconstructed from its title alone: an indicative vision transformer, whose tokens indicate the modality.

Neither its text nor its code was to be had. Everything here is ours, and so are its figures. Two queries read a
picture's local tokens and one another in one layer of attention: [Ret], and the indicator of the picture's modality.

    Ret' = unit(projected features of the whole) + W [Ret], z = unit(Ret');
    L = triplet(z) + classes(z) + .1 told(indicator) + .1 not told(z).

`classes` are cosines to one proxy for each label. `told` is the cross-entropy of the modality, by a linear classifier
of the indicator; `not told` that of z, through a reversed gradient: its classifier learns, and z unlearns what it
reads. A transformer's [Ret] carries the whole already, as the projected features do here, so W starts as zero.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.blocks.classes import TEMPERATURE, Proxies
from model.training.blocks.pooling import AttentionPooling, ReadingOptions
from model.training.blocks.reversal import reversed_gradient
from model.training.learners.base import Learner
from model.training.losses.contrast import TRIPLET_MARGIN, triplet_loss
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.views import Annotations, Views

# The first query is [Ret]; the indicators follow, by modality.
_KINDS = 1 + max(PHOTO, SKETCH)


class IvtOptions(ReadingOptions):
    margin: float = Field(default=TRIPLET_MARGIN, ge=0)
    temperature: float = Field(default=TEMPERATURE, gt=0)
    proxies: float = Field(default=1.0, ge=0)
    told: float = Field(default=0.1, ge=0)
    not_told: float = Field(default=0.1, ge=0)


class Ivt(Method):
    options = IvtOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES})
    title = "IVT (reconstructed)"
    # Made by `fit` and, for the labels there are, by `start`.
    pool: AttentionPooling
    proxies: Proxies

    def __init__(self, options: IvtOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        self.ret = nn.Linear(options.width, dimension, bias=False)
        nn.init.zeros_(self.ret.weight)
        self.told = nn.Linear(options.width, _KINDS)
        self.not_told = nn.Linear(dimension, _KINDS)
        # Vectors flee from what a classifier reads faster than it follows: one that starts with random weights, or with
        # large ones, drives them ever farther.
        nn.init.zeros_(self.not_told.weight)

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        super().start(learner, views, known)
        self.fit(learner, views.images([0], 0))
        self.proxies = Proxies(len(known.names), self.dimension, self.settings.temperature)
        self.proxies.lay(lambda inputs, kind: self.embed(learner, inputs, kind), views, known)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        found = learner.tokens(example)
        width = found.local.shape[-1]
        with torch.random.fork_rng():
            torch.manual_seed(width)
            self.pool = AttentionPooling(
                width, found.side**2, 1 + _KINDS, self.settings.width, self.settings.heads
            )

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        return self._read(learner, inputs, modality)[0]

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        vectors, indicators = self._read(learner, seen.inputs, seen.modality)
        found = {
            "triplet": triplet_loss(vectors, seen.labels, seen.modality, self.settings.margin),
            "proxies": self.proxies.loss(vectors, seen.labels),
            "told": F.cross_entropy(self.told(indicators), seen.modality),
            "not_told": F.cross_entropy(self.not_told(reversed_gradient(vectors)), seen.modality),
        }
        weights = self.settings.model_dump()
        total = found["triplet"] + sum(
            weights[name] * found[name] for name in ("proxies", "told", "not_told")
        )
        return found | {"total": total}

    def _read(self, learner: Learner, inputs: Tensor, modality: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings, and what the indicators read."""
        which = torch.stack([torch.zeros_like(modality), 1 + modality], dim=1)
        with learner.autocast(inputs.device.type):
            found = learner.tokens(inputs)
            read = self.pool.read(found.local, found.places, which)
            whole = F.normalize(learner.project(found.whole).float(), dim=-1)
            ret = whole + self.ret(read.values[:, 0])
        return F.normalize(ret.float(), dim=-1), read.values[:, 1].float()
