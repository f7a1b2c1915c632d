"""Cross-modal self-distillation, reconstructed from its abstract: what a network knows of photos teaches it sketches.

The paper (Tian et al., Journal of Software 33(9), 2022; its text and code were not to be had) names three ways of
passing on what an ImageNet network knows, without any words: from the teacher to the student, on photos; from the
student's own photos to its sketches, along how similar they are; and among its sketches. The formulas are ours:

    q_s = sum over photos j of the class of s: softmax_j(cos(z_s, z_j) / .1) softmax(o_j / T), and
    r_s the same over its other sketches, where o are the student's logits for ImageNet's classes;
    L = classes + T^2 KL(teacher || photos) + T^2 KL(q_s || s) + .5 T^2 KL(r_s || s), no gradient through q and r.

Projection and heads start as in SAKE, and batches have two sketches and two photos of a label.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from model.training.anchors import lay_words
from model.training.blocks.targets import borrowed, divergence
from model.training.blocks.teacher import Teacher, teach
from model.training.learners.base import Learner
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Options
from model.training.sampling import StepSampler
from model.training.views import Annotations, Views

PER_LABEL = 4


class CmsdOptions(Options):
    """`across` and `sketches` weight what photos and other sketches teach; `sharpness` is the .1 of the formula."""

    temperature: float = Field(default=4.0, gt=0)
    sharpness: float = Field(default=0.1, gt=0)
    across: float = Field(default=1.0, ge=0)
    sketches: float = Field(default=0.5, ge=0)


class Cmsd(Method):
    options = CmsdOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.TEACHER})
    title = "cross-modal self-distillation (reconstructed)"

    def __init__(self, options: CmsdOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        self.classes: nn.Module = nn.Identity()
        self.teacher: nn.Module = nn.Identity()
        self.taught: Teacher | None = None

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        self.taught, self.classes, self.teacher = teach(learner, len(known.names), self.dimension)

    def sampler(self, known: Annotations, batch: int, instances: int, seed: int) -> StepSampler:
        return StepSampler(known.records, known.own_photo, batch, instances, seed, PER_LABEL)

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        with learner.autocast(seen.inputs.device.type):
            codes = learner.project(seen.features).float()
        logits, heat = self.teacher(codes), self.settings.temperature
        photos, sketches = seen.modality == PHOTO, seen.modality == SKETCH
        found = {
            "classes": F.cross_entropy(self.classes(codes), seen.labels),
            "teacher": divergence(self._taught(learner, seen.inputs[photos]), logits[photos], heat),
        }
        given = (logits.detach() / heat).softmax(dim=1)
        near = _cosines(codes.detach()) / self.settings.sharpness
        same = seen.labels[:, None] == seen.labels[None, :]
        others = ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        for name, givers in (("across", photos), ("sketches", sketches)):
            allowed = (same & others)[sketches][:, givers]
            target, has = borrowed(near[sketches][:, givers], allowed, given[givers])
            found[name] = divergence(target, logits[sketches], heat, has)
        weights = {"across": self.settings.across, "sketches": self.settings.sketches}
        total = torch.stack([weights.get(name, 1.0) * term for name, term in found.items()]).sum()
        return found | {"total": total}

    def finish(self, learner: Learner, views: Views, known: Annotations) -> bool:
        """Lay the words, which nothing has trained; pictures stay where they are."""
        lay_words(learner, views, known)
        return False

    def _taught(self, learner: Learner, photos: Tensor) -> Tensor:
        assert self.taught is not None
        return (self.taught.logits(learner, photos) / self.settings.temperature).softmax(dim=1)


def _cosines(codes: Tensor) -> Tensor:
    units = F.normalize(codes, dim=-1)
    return units @ units.T
