"""SAD: structure is what a sketch and a photo share, appearance is what only the photo has.

Structure-aware asymmetric disentanglement (STRAD, Li et al., CVIU 2022), in the form of its 2019 version (BDT), whose
source is public. A photo's vector becomes a structure and an appearance code, a sketch's only a structure code. The
photo's structure decodes to the sketch; the sketch's, with an appearance drawn at random, to the photo. A search uses
both spaces: half the cosine of structures, and half that of the photo and the mean of 200 photos made from the sketch.
Both halves lie in one vector here, so that an inner product is their sum.

Decoders learn from a sketch's own photo, the ranking from another one of its label. The adversaries, worth a point in
the paper, are off; with a weight, they are LSGAN's and learn in the same step, not by turns. Ours, too: pooled maps of
our tower in place of VGG's, codes of half a vector, layer norms; a structure is the principal numbers of a vector, and
what a network adds, and a decoder adds to the vector that has these numbers, all of them almost nothing at first, so a
run starts where those of other methods start; structures may be negative, so the orthogonal term has absolute cosines.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.blocks.adversary import LEAST_SQUARES, contest
from model.training.blocks.gaussian import GaussianCode, noise
from model.training.blocks.mlp import mlp
from model.training.blocks.pooled import Pooled, PooledOptions, leave_heads
from model.training.blocks.quads import Quads
from model.training.learners.base import Learner
from model.training.losses.encodings import SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.views import Annotations, Views


class SadOptions(PooledOptions):
    """Widths and weights of the terms. `share` of a score is the structure's. `samples`: photos made for a sketch."""

    hidden: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    samples: int = Field(default=200, ge=1)
    margin: float = Field(default=10.0, ge=0)
    share: float = Field(default=0.5, ge=0, le=1)
    ranking: float = Field(default=0.5, ge=0)
    photo: float = Field(default=2.0, ge=0)
    sketch: float = Field(default=1.0, ge=0)
    divergence: float = Field(default=1.0, ge=0)
    orthogonal: float = Field(default=1.0, ge=0)
    adversary: float = Field(default=0.0, ge=0)


class Sad(Method):
    """Half of an embedding is the structure code, the other the principal numbers of the photo."""

    options = SadOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES})
    title = "SAD"
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType({"tower": "nothing", "head_rate": 1e-3})
    noise: Tensor

    def __init__(self, options: SadOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings, self.width = options, dimension // 2
        self.pooled = Pooled(options.stages, dimension - self.width)
        self.nets = nn.ModuleDict()
        self.code = GaussianCode(self.width, self.width)
        self.register_buffer("noise", noise(options.samples, self.width))

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        leave_heads(learner)
        self.fit(learner, views.images([0], 0))
        self.pooled.measure(learner, views, known)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        """Make the layers that read or make vectors; the same ones whenever the run is resumed."""
        width, chosen = self.pooled.fit(learner, example), self.settings
        reading = (width, chosen.hidden, self.width)
        with torch.random.fork_rng():
            torch.manual_seed(width)
            for name in ("drawn structure", "shown structure"):
                self.nets[name] = mlp(reading, norm=True, dropout=chosen.dropout, quiet=True)
            self.nets["appearance"] = mlp(reading, norm=True, dropout=chosen.dropout, ends=True)
            self.nets["to sketch"] = mlp((self.width, chosen.hidden, width), quiet=True)
            self.nets["to photo"] = mlp((2 * self.width, chosen.hidden, width), quiet=True)
            for name in ("sketch adversary", "photo adversary") if chosen.adversary else ():
                self.nets[name] = mlp((width, chosen.hidden, 1))

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Quads:
        return Quads(known.records, known.own_photo, batch, seed)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        sketch, own, same, other = self.pooled(learner, seen.inputs, seen.modality).chunk(4)
        nets, chosen = self.nets, self.settings
        drawn, shown = self.structure("drawn", sketch), self.structure("shown", own)
        code = self.code(looks := nets["appearance"](own))
        photo_made, sketch_made = self.decoded("photo", drawn, code.drawn()), self.decoded("sketch", shown)
        near, far = (self.structure("shown", each) for each in (same, other))
        found = {
            "ranking": ranking(drawn, near, far, chosen.margin),
            # What is to be met stands still, should the tower move.
            "photo": (photo_made - own.detach()).square().mean(),
            "sketch": (sketch_made - sketch.detach()).square().mean(),
            "divergence": code.divergence(),
            "orthogonal": F.cosine_similarity(shown, looks, dim=1).abs().mean(),
        }
        if chosen.adversary:
            contests = ((own, photo_made, "photo adversary"), (sketch, sketch_made, "sketch adversary"))
            told = [contest(nets[name], real, made, LEAST_SQUARES) for real, made, name in contests]
            found["adversary"] = torch.stack(told).sum()
        weights = chosen.model_dump()
        return found | {"total": torch.stack([weights[name] * each for name, each in found.items()]).sum()}

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        vectors, drawn = self.pooled(learner, inputs, modality), modality == SKETCH
        structure = vectors.new_zeros(len(vectors), self.width)
        structure[~drawn] = self.structure("shown", vectors[~drawn]).float()
        structure[drawn] = self.structure("drawn", vectors[drawn]).float()
        vectors[drawn] = self.made(structure[drawn])
        return fused(structure, self.pooled.reduced(vectors), self.settings.share)

    def made(self, structure: Tensor) -> Tensor:
        """The mean photo of these structures, over appearances that are always the same."""
        beside = (looks.expand(len(structure), -1) for looks in self.noise)
        return torch.stack([self.decoded("photo", structure, each).float() for each in beside]).mean(dim=0)

    def structure(self, kind: str, vectors: Tensor) -> Tensor:
        """The structure code of sketches (`drawn`) or photos (`shown`)."""
        added: Tensor = self.nets[f"{kind} structure"](vectors)
        return self.pooled.numbers(vectors, self.width) + added

    def decoded(self, kind: str, structure: Tensor, *looks: Tensor) -> Tensor:
        """The vector of a sketch, or of a photo that looks like this."""
        added: Tensor = self.nets[f"to {kind}"](torch.cat([*looks, structure], dim=1))
        return self.pooled.with_numbers(structure) + added


def ranking(sketch: Tensor, near: Tensor, far: Tensor, margin: float) -> Tensor:
    """Structures lie on that of a photo of their label, and at least the margin from any other: the paper's form."""
    pull, push = ((sketch - each).norm(dim=1) for each in (near, far))
    found: Tensor = (pull + (margin - push).clamp(min=0)).mean()
    return found


def fused(structure: Tensor, photo: Tensor, share: float) -> Tensor:
    """Unit vectors whose inner product is `share` of the structures' cosine and the rest of the photos'."""
    parts = (share**0.5 * F.normalize(structure, dim=-1), (1 - share) ** 0.5 * F.normalize(photo, dim=-1))
    return F.normalize(torch.cat(parts, dim=1), dim=-1)
