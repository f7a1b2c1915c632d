"""MA-SBIR: the meaning is an embedding minus its modality's learned encoding (Lyou et al., WACV 2024).

The paper's terms have the forms of the authors' released code. The others are ours or, with `triplet`, what
preceded MA-SBIR; each is off until it gets a weight, and each has its row in the ablation. On the lite towers,
sketches are also tied to the photos and words as they were before training (`model.training.anchors`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from model.training import anchors
from model.training.anchors import Anchors, Shown
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses import contrast
from model.training.losses import encodings as modal
from model.training.losses.encodings import MODALITIES, PHOTO, SKETCH, TEXT, semantic_vectors
from model.training.methods.base import Method, Seen
from model.training.methods.needs import Need
from model.training.options import Fields, Options
from model.training.views import Annotations, Views


class _Weights(Fields):
    def active(self) -> dict[str, float]:
        return {name: weight for name, weight in self.model_dump().items() if weight > 0}


class LossWeights(_Weights):
    """A term of weight 0 counts neither in the total nor in its divisor, the sum of the weights."""

    clip: float = Field(default=1.0, ge=0)
    semantic_centre: float = Field(default=0.1, ge=0)
    modality_classifier: float = Field(default=0.1, ge=0)
    reconstruction: float = Field(default=0.02, ge=0)
    orthogonality: float = Field(default=0.0, ge=0)
    multi_positive: float = Field(default=0.0, ge=0)
    cross_modal: float = Field(default=0.0, ge=0)
    instance: float = Field(default=0.0, ge=0)
    triplet: float = Field(default=0.0, ge=0)


class AnchorWeights(_Weights):
    """Weights of the terms that tie sketches to the photos and words as they were before training."""

    prototypes: float = Field(default=0.0, ge=0)
    words: float = Field(default=0.0, ge=0)
    across: float = Field(default=0.0, ge=0)
    keep_photos: float = Field(default=0.0, ge=0)
    own_photo: float = Field(default=0.0, ge=0)
    # Words stay near the classes that the tower told apart before.
    classes: float = Field(default=0.0, ge=0)
    # Drawings choose a photo of their label among all photos of the training data, as a user does in a library.
    gallery: float = Field(default=0.0, ge=0)

    later = frozenset({"classes", "gallery"})


class MasbirOptions(Options):
    """`authors_share` is the weight of the total of `loss_weights` relative to the anchors. `encodings` start as the
    paper's (`normal`), as each modality's mean, measured again after training (`means`), or stay zero,
    which makes the towers a plain Siamese network (`none`).
    """

    authors_share: float = Field(default=1.0, gt=0)
    loss_weights: LossWeights = LossWeights()
    anchors: AnchorWeights = AnchorWeights()
    encodings: Literal["normal", "means", "none"] = "normal"
    logit_scale: float = contrast.LOGIT_SCALE
    # The margin to near kinds, see `anchors.terms`.
    near: float = Field(default=0.0, ge=0)
    # Whether drawings choose among labels that have drawings only, or are kept away from all others, too.
    drawn_only: bool = False

    later = frozenset({"near", "drawn_only"})

    def check(self, towers: str) -> None:
        if not (self.loss_weights.active() or self.anchors.active()):
            raise ValueError("give at least one of `loss_weights` and `anchors` a weight above zero")
        if towers != "lite" and (self.anchors.active() or self.encodings == "means"):
            raise ValueError(
                "`anchors` and measured `encodings` need a reference that only the lite towers have"
            )


@dataclass(frozen=True)
class LossInputs:
    """Everything that a loss may use: unit embeddings of images and their captions, row by row."""

    image: Tensor
    text: Tensor
    encodings: Tensor
    classifier_weight: Tensor
    classifier_bias: Tensor
    image_modality: Tensor
    text_modality: Tensor
    labels: Tensor
    pairs: Tensor
    logit_scale: Tensor | float = contrast.LOGIT_SCALE


def total(inputs: LossInputs, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Compute the paper's terms and those of ours that have a weight, unweighted, and `total`: the weighted mean."""
    found = _paper_terms(inputs) | _our_terms(inputs, weights)
    weighted = torch.stack([weight * found[name] for name, weight in weights.items()]).sum()
    return found | {"total": weighted / sum(weights.values())}


def _paper_terms(inputs: LossInputs) -> dict[str, Tensor]:
    image, text, table = inputs.image, inputs.text, inputs.encodings
    both = (inputs.image_modality, inputs.text_modality)
    classifier = (inputs.classifier_weight, inputs.classifier_bias)
    return {
        "clip": contrast.clip_loss(image, text, inputs.logit_scale),
        "semantic_centre": modal.semantic_centre_loss(image, text, table, *both),
        "modality_classifier": modal.modality_classifier_loss(image, text, table, *classifier, *both),
        "reconstruction": modal.reconstruction_loss(image, text, table, *both),
        "orthogonality": modal.orthogonality_loss(image, text, table),
    }


def _our_terms(inputs: LossInputs, wanted: Mapping[str, float]) -> dict[str, Tensor]:
    kinds, scale, labels = inputs.image_modality, inputs.logit_scale, inputs.labels
    semantic = semantic_vectors(inputs.image, inputs.encodings, kinds)
    terms: dict[str, Callable[[], Tensor]] = {
        "multi_positive": lambda: contrast.multi_positive_loss(inputs.image, inputs.text, labels, scale),
        "cross_modal": lambda: contrast.cross_modal_loss(semantic, labels, kinds, scale),
        "instance": lambda: contrast.instance_loss(semantic, inputs.pairs, kinds, scale),
        "triplet": lambda: contrast.triplet_loss(semantic, labels, kinds),
    }
    return {name: term() for name, term in terms.items() if name in wanted}


class Masbir(Method):
    """Encodings start as the paper's, drawn from N(0, 1), one row for each modality."""

    options = MasbirOptions
    needs = frozenset({Need.BOTH_MODALITIES, Need.WORDS})
    title = "MA-SBIR"
    # The authors' losses, rates and captions alone.
    recipe: ClassVar[Mapping[str, object]] = MappingProxyType(
        {
            "captions": ["a photo of a {}."],
            "head_rate": 5e-3,
            "options": {
                "authors_share": 1.0,
                "encodings": "normal",
                "logit_scale": 2.6592,
                "loss_weights": {
                    "clip": 1.0,
                    "semantic_centre": 0.1,
                    "modality_classifier": 0.1,
                    "reconstruction": 0.02,
                },
            },
        }
    )

    def __init__(self, options: MasbirOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.settings = options
        self.encodings = nn.Parameter(torch.randn(MODALITIES, dimension))
        self.classifier = nn.Linear(dimension, MODALITIES)
        self.anchors: Anchors | None = None

    @torch.no_grad()
    def start(self, learner: Learner, views: Views, known: Annotations) -> None:
        if learner.logit_scale is not None:
            # The authors reset CLIP's temperature; it then learns at the tower's rate, which means hardly at all.
            learner.logit_scale.fill_(self.settings.logit_scale)
        if isinstance(learner, LiteLearner):
            laid = anchors.lay(
                learner,
                views,
                known,
                classes=self.settings.anchors.classes > 0,
                drawn_only=self.settings.drawn_only,
            )
            self.anchors = laid if self.settings.anchors.active() else None
            if self.settings.encodings == "means":
                self.encodings.copy_(laid.encodings)
        if self.settings.encodings == "none":
            self.encodings.zero_()
        self.encodings.requires_grad_(self.settings.encodings != "none")

    def loss(self, learner: Learner, seen: Seen) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        whole = torch.zeros((), device=seen.embedded.device)
        if weights := self.settings.loss_weights.active():
            found = total(self._inputs(learner, seen), weights)
            whole = self.settings.authors_share * found["total"]
        if self.anchors is not None:
            self.anchors = self.anchors.to(seen.embedded.device)
            weights = dict(self.settings.anchors)
            shown, options = self._shown(learner, seen, self.anchors), self.settings
            held = anchors.terms(shown, self.anchors, weights, options.logit_scale, options.near)
            whole = whole + torch.stack([weights[name] * term for name, term in held.items()]).sum()
            found |= held
        return found | {"total": whole}

    @torch.no_grad()
    def finish(self, learner: Learner, views: Views, known: Annotations) -> bool:
        """Measure the encodings again, as each modality's mean after training."""
        if self.settings.encodings != "means" or not isinstance(learner, LiteLearner):
            return False
        measured = anchors.measure_encodings(learner, views, known)
        for modality in (PHOTO, SKETCH, TEXT):
            self.encodings[modality] = measured[modality]
        return True

    def _inputs(self, learner: Learner, seen: Seen) -> LossInputs:
        scale = learner.logit_scale
        return LossInputs(
            image=seen.embedded,
            text=seen.captions(),
            encodings=self.encodings,
            classifier_weight=self.classifier.weight,
            classifier_bias=self.classifier.bias,
            image_modality=seen.modality,
            text_modality=torch.full_like(seen.modality, TEXT),
            labels=seen.labels,
            pairs=seen.pairs,
            logit_scale=self.settings.logit_scale if scale is None else scale,
        )

    def _shown(self, learner: Learner, seen: Seen, held: Anchors) -> Shown:
        """To tell instances apart, their photos must be free to move: only the others are anchored."""
        n = seen.evenly
        modality = seen.modality[:n]
        return Shown(
            semantic=semantic_vectors(seen.embedded[:n], self.encodings, modality),
            rows=seen.rows[:n],
            labels=seen.labels[:n],
            modality=modality,
            own_photo=seen.own_photo[:n],
            words=torch.nn.functional.normalize(seen.vocabulary() - self.encodings[TEXT], dim=-1),
            classes=None if held.classes is None else self.texts(learner, held.classes.words),
        )
