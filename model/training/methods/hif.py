"""HIF, reconstructed from its title alone: hybrid information fusion and sample relationship modelling.

Neither its text nor its code was to be had. Everything here is ours, and so are its figures:

    fusion: a the projected features of the whole, b local tokens read by one learned query, both of unit length;
        g = sigmoid(W [a, b]), z = unit(g a + (1 - g) b);
    relations: R_photo, R_sketch and R_words say how similar each label of a batch is to the others, by the means of
        its photos, its sketches, and by its words; L = KL(R_photo || R_sketch) + .3 KL(R_words || R_sketch), no
        gradient through what is followed;
    classes: cosines to one proxy for each label, by a temperature of .05.

Tokens lose the mean token of their modality first, which is learned from there on. The gate starts near the whole, as
the query has yet to learn. Batches have two sketches and two photos of a label.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.anchors import some_of_each
from model.training.blocks import relations
from model.training.blocks.classes import TEMPERATURE, Proxies, over
from model.training.blocks.condition import Prompt
from model.training.blocks.pooling import AttentionPooling, ReadingOptions
from model.training.learners.base import Learner
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.sampling import Sampler, StepSampler
from model.training.views import Annotations, Views

PER_LABEL = 4
# sigmoid(2) = .88 of the whole.
_GATE = 2.0


class HifOptions(ReadingOptions):
    """`photos` and `words` weight what relations follow."""

    temperature: float = Field(default=TEMPERATURE, gt=0)
    relations: float = Field(default=relations.TEMPERATURE, gt=0)
    photos: float = Field(default=1.0, ge=0)
    words: float = Field(default=0.3, ge=0)


class Hif(Method):
    """Words are optional: without a text tower, only photos are followed."""

    options = HifOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES})
    title = "HIF (reconstructed)"
    # Made by `fit` and, for the labels there are, by `start`.
    centre: Prompt
    pool: AttentionPooling
    local: nn.Linear
    proxies: Proxies

    def __init__(self, options: HifOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        self.gate = nn.Linear(2 * dimension, dimension)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, _GATE)

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        super().start(learner, views, known)
        self.fit(learner, views.images([0], 0))
        for kind in (PHOTO, SKETCH):
            rows = some_of_each(known, kind)
            means = over(lambda inputs: learner.tokens(inputs).local.mean(dim=1, keepdim=True), views, rows)
            self.centre.centre(means, torch.full((len(rows),), kind))
        self.proxies = Proxies(len(known.names), self.dimension, self.settings.temperature)
        self.proxies.lay(lambda inputs, kind: self.embed(learner, inputs, kind), views, known)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        found = learner.tokens(example)
        width = found.local.shape[-1]
        with torch.random.fork_rng():
            torch.manual_seed(width)
            self.centre = Prompt(width)
            self.pool = AttentionPooling(width, found.side**2, 1, self.settings.width, self.settings.heads)
            self.local = nn.Linear(self.settings.width, self.dimension)

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Sampler:
        return StepSampler(known.records, known.own_photo, batch, instances, seed, PER_LABEL)

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        with learner.autocast(inputs.device.type):
            found = learner.tokens(inputs)
            whole = F.normalize(learner.project(found.whole).float(), dim=-1)
            first = torch.zeros_like(modality)[:, None]
            read = self.pool.read(self.centre(found.local, modality), found.places, first)
            local = F.normalize(self.local(read.values[:, 0]).float(), dim=-1)
            share = torch.sigmoid(self.gate(torch.cat([whole, local], dim=1)).float())
        return F.normalize(share * whole + (1 - share) * local, dim=-1)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        vectors = self.embed(learner, seen.inputs, seen.modality)
        found = {"proxies": self.proxies.loss(vectors, seen.labels)}
        means = relations.class_means(vectors, seen.labels, seen.modality)
        sketches, photos = (self._rows(each) for each in (means.sketches, means.photos))
        found["relation_photos"] = relations.following(photos, sketches)
        total = found["proxies"] + self.settings.photos * found["relation_photos"]
        if seen.known.words is not None:
            said = self._rows(seen.vocabulary()[means.labels])
            found["relation_words"] = relations.following(said, sketches)
            total = total + self.settings.words * found["relation_words"]
        return found | {"total": total}

    def _rows(self, means: Tensor) -> Tensor:
        return relations.rows(means, self.settings.relations)
