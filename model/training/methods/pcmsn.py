"""PCMSN: a vector is first turned into what its label means in words, then into a code (Deng et al., TIP 2020).

Progressive cross-modal semantic network. Each modality has a network from vectors to word vectors of full width. From
the semantic vectors of either modality, a decoder rebuilds a sketch's vector and another a photo's; a network for both
makes the code that is searched by, which is classified by fixed random directions and pulled towards that of a photo of
the same label.

The authors' training loop and sibling (PDFD) are public, the network itself is not. Their semantic vectors are held to
the word vectors by an adversary; as each picture's label is known, the default is the cosine between the two (ours).
`semantic: adversary` is theirs, LSGAN with soft labels, which learns in the same step as all else, not by turns. What
is pulled together are codes of unit length: without (`pair_of: codes`), all codes shrink to one within some hundred
steps from a tower that was not trained on the classes first, as theirs was. Ours, too: MiniLM's sentence vectors in
place of word2vec's and WordNet paths, pooled maps of our tower in place of VGG's, layer norms.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.blocks.adversary import LEAST_SQUARES, contest
from model.training.blocks.classes import fixed_directions, fixed_loss
from model.training.blocks.mlp import mlp
from model.training.blocks.pooled import Pooled, PooledOptions, leave_heads
from model.training.blocks.quads import Part, Quads
from model.training.learners.base import Learner
from model.training.losses.encodings import SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.views import Annotations, Views


class PcmsnOptions(PooledOptions):
    """Weights of the terms, and what `semantic` and `pair` are of."""

    semantic: Literal["cosine", "adversary"] = "cosine"
    pair_of: Literal["unit codes", "codes"] = "unit codes"
    hidden: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    semantic_weight: float = Field(default=1.0, ge=0)
    rebuild: float = Field(default=0.5, ge=0)
    classes_fixed: float = Field(default=0.4, ge=0)
    pair: float = Field(default=1.0, ge=0)


class Pcmsn(Method):
    options = PcmsnOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.CLASSES, Need.WORDS})
    title = "PCMSN"
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType({"tower": "nothing", "head_rate": 1e-3})
    words: Tensor
    directions: Tensor

    def __init__(self, options: PcmsnOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        self.pooled = Pooled(options.stages, dimension)
        self.nets = nn.ModuleDict()
        for name in ("words", "directions"):
            self.register_buffer(name, torch.empty(0))

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        assert known.words is not None, "Need.WORDS is checked"
        leave_heads(learner)
        self.words = F.normalize(known.words.mean(dim=1), dim=-1)
        self.directions = fixed_directions(len(known.names), self.dimension)
        self.fit(learner, views.images([0], 0))
        self.pooled.measure(learner, views, known)

    @torch.no_grad()
    def fit(self, learner: Learner, example: Tensor) -> None:
        """Make the layers, after `words`; the same ones whenever the run is resumed."""
        width, said, chosen = self.pooled.fit(learner, example), self.words.shape[-1], self.settings
        middle = (width + said) // 2
        with torch.random.fork_rng():
            torch.manual_seed(width)
            for name in ("drawn", "shown"):
                self.nets[name] = mlp(
                    (width, middle, middle, said), norm=True, dropout=chosen.dropout, activation=nn.PReLU
                )
            for name in ("to sketch", "to photo"):
                self.nets[name] = mlp((said, middle, width), norm=True, activation=nn.PReLU)
            self.nets["code"] = mlp((said, chosen.hidden, chosen.hidden, self.dimension), activation=nn.PReLU)
            if chosen.semantic == "adversary":
                self.nets["adversary"] = mlp((said, said, 1))

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> Quads:
        return Quads(known.records, known.own_photo, batch, seed, (Part.SKETCH, Part.SAME))

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        vectors = self.pooled(learner, seen.inputs, seen.modality)
        meant = self.semantic(vectors, seen.modality)
        codes = self.nets["code"](meant)
        drawn, shown = (codes if self.settings.pair_of == "codes" else F.normalize(codes, dim=-1)).chunk(2)
        found = {
            "semantic": self._semantic_loss(meant, self.words[seen.labels]),
            # What is to be met stands still, should the tower move.
            "rebuild": self._rebuilt(meant, *vectors.detach().chunk(2)),
            "classes_fixed": fixed_loss(codes, self.directions, seen.labels),
            "pair": (drawn - shown).norm(dim=1).mean(),
        }
        weights = self.settings.model_dump() | {"semantic": self.settings.semantic_weight}
        return found | {"total": torch.stack([weights[name] * each for name, each in found.items()]).sum()}

    def semantic(self, vectors: Tensor, modality: Tensor) -> Tensor:
        """What vectors mean (n, said), by the network of their modality."""
        drawn = (modality == SKETCH)[:, None]
        return torch.where(drawn, self.nets["drawn"](vectors), self.nets["shown"](vectors)).float()

    def embed(self, learner: Learner, inputs: Tensor, modality: Tensor) -> Tensor:
        meant = self.semantic(self.pooled(learner, inputs, modality), modality)
        return F.normalize(self.nets["code"](meant).float(), dim=-1)

    def texts(self, learner: Learner, inputs: Tensor) -> Tensor:
        """The code of what words mean is made from their own vectors."""
        return F.normalize(self.nets["code"](F.normalize(inputs, dim=-1)).float(), dim=-1)

    def _semantic_loss(self, meant: Tensor, words: Tensor) -> Tensor:
        if self.settings.semantic == "adversary":
            return contest(self.nets["adversary"], words, meant, LEAST_SQUARES)
        return (1 - F.cosine_similarity(meant, words, dim=1)).mean()

    def _rebuilt(self, meant: Tensor, sketch: Tensor, photo: Tensor) -> Tensor:
        """The errors of both decoders, each from the semantic vectors of either modality: a sum of four means."""
        errors = [
            (self.nets[name](half) - wanted).square().mean()
            for name, wanted in (("to sketch", sketch), ("to photo", photo))
            for half in meant.chunk(2)
        ]
        return torch.stack(errors).sum()
