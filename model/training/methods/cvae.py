"""CVAE: a photo's vector is generated from a sketch's, by a conditional autoencoder (Yelamarthi et al., ECCV 2018).

The encoder reads a code off a photo and its sketch, q(z | photo, sketch); the decoder makes the photo from code and
sketch, p(photo | z, sketch), and from that the sketch again, which keeps it from being overlooked. A search compares
photos with the mean of 100 photos made from a sketch, by their cosine. The weights are those of the released code: its
error of a photo is a mean and its divergence a sum, so that the code ends up nearly unused.

Ours: vectors are pooled maps of our tower, standardised, in place of VGG's, so the decoder's last layer is linear; the
layers are a quarter as wide; norms are layer norms; an index holds the principal numbers of vectors. A photo is made of
its sketch's vector, and of what the decoder adds, at first almost nothing: so a run starts where those of other methods
start.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from model.training.blocks.gaussian import GaussianCode, noise
from model.training.blocks.mlp import mlp
from model.training.blocks.pooled import Pooled, PooledOptions, leave_heads
from model.training.blocks.quads import Part, Quads
from model.training.learners.base import Learner
from model.training.losses.encodings import SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.views import Annotations, Views


class CvaeOptions(PooledOptions):
    """`hidden` and `code` are widths; the authors have 2048 and 1024. `samples`: photos made for a sketch."""

    hidden: int = Field(default=512, ge=1)
    code: int = Field(default=256, ge=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    samples: int = Field(default=100, ge=1)
    decode: float = Field(default=1.0, ge=0)
    code_weight: float = Field(default=1.0, ge=0)
    again: float = Field(default=10.0, ge=0)


class Cvae(Method):
    options = CvaeOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.PAIRS})
    title = "CVAE"
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType({"tower": "nothing", "head_rate": 1e-3})
    # What holds the codes to their prior, and the name of its term.
    prior = "divergence"
    noise: Tensor

    def __init__(self, options: CvaeOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        self.pooled = Pooled(options.stages, dimension)
        self.encoder: nn.Module = nn.Identity()
        self.decoder: nn.Module = nn.Identity()
        self.again: nn.Module = nn.Identity()
        self.code = GaussianCode(options.hidden, options.code, bounded=True)
        self.register_buffer("noise", noise(options.samples, options.code))

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        leave_heads(learner)
        self.fit(learner, views.images([0], 0))
        self.pooled.measure(learner, views, known)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        """Make the layers that read or make vectors; the same ones whenever the run is resumed."""
        width, chosen = self.pooled.fit(learner, example), self.settings
        with torch.random.fork_rng():
            torch.manual_seed(width)
            sizes = (2 * width, 2 * chosen.hidden, chosen.hidden)
            self.encoder = mlp(sizes, norm=True, dropout=chosen.dropout, ends=True)
            self.decoder = mlp((chosen.code + width, chosen.hidden, width), quiet=True)
            self.again = mlp((width, chosen.hidden, width))

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Quads:
        pair = (Part.SKETCH, Part.OWN)
        return Quads(known.records, known.own_photo, batch, seed, pair, paired=True)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        sketch, photo = self.pooled(learner, seen.inputs, seen.modality).chunk(2)
        code, prior = self._coded(self.encoder(torch.cat([photo, sketch], dim=1)))
        made = self._made(sketch, code)
        # What is to be met stands still, should the tower move.
        decode = (made - photo.detach()).square().mean()
        again = (self.again(made) - sketch.detach()).square().mean()
        chosen = self.settings
        total = chosen.decode * decode + chosen.code_weight * prior + chosen.again * again
        return {"decode": decode, self.prior: prior, "again": again, "total": total}

    def _coded(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """A code for each row, and how far the codes are from N(0, 1)."""
        found = self.code(hidden)
        return found.drawn(), found.divergence()

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        """Photos as they are; for sketches, the mean of the photos made from them."""
        vectors = self.pooled(learner, inputs, modality)
        drawn = modality == SKETCH
        if bool(drawn.any()):
            vectors[drawn] = self.made(vectors[drawn])
        return self.pooled.reduced(vectors)

    def made(self, sketch: Tensor) -> Tensor:
        """The mean photo of these sketches: an average over codes, always the same ones."""
        total = torch.zeros_like(sketch)
        for code in self.noise:
            total += self._made(sketch, code.expand(len(sketch), -1)).float()
        return total / len(self.noise)

    def _made(self, sketch: Tensor, code: Tensor) -> Tensor:
        added: Tensor = self.decoder(torch.cat([code, sketch], dim=1))
        return sketch + added
