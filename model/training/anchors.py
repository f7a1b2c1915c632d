"""Anchors: what a pretrained tower knows about photos, kept fixed while sketches learn to join it.

An ImageNet tower already groups photos by class, even by classes it was never trained on; drawings lie
elsewhere. So the joint space starts as the photos' own principal directions, the modality encodings as
the mean of each modality, and the words' projection as the ridge regression onto the photos' class means.
Training then pulls drawings towards the photos and keeps the photos where they were.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.data.datasets import DataProblem
from model.training.classes import Classes, classes_of
from model.training.learners.base import Learner
from model.training.learners.lite import LiteLearner
from model.training.losses.contrast import contrast
from model.training.losses.encodings import MODALITIES, PHOTO, SKETCH, TEXT
from model.training.views import Annotations, Views

MEASURED = 12
RIDGE = 3.0
# How much the name and the explanation of a class that the tower knew count in it, beside a label with photos.
KNOWN = 3.0
SMOOTHING = 0.05


@dataclass(frozen=True)
class Anchors:
    """`photos`: the semantic vector of each photo before training, by row (zeros for drawings).

    `prototypes`: the mean photo of each label; `prototype_of`: a label's row in it, -1 without. `gallery`: the
    photos that drawings choose among, and `gallery_labels` theirs.
    `encodings`: what all embeddings of a modality had in common. `classes`: what the tower knew before.
    """

    photos: Tensor
    prototypes: Tensor
    prototype_of: Tensor
    encodings: Tensor
    gallery: Tensor
    gallery_labels: Tensor
    classes: Classes | None = None

    def to(self, device: torch.device) -> "Anchors":
        moved: dict[str, Any] = {
            name: None if part is None else part.to(device) for name, part in vars(self).items()
        }
        return Anchors(**moved)

    def __deepcopy__(self, _: object) -> "Anchors":
        """Share it between copies of a method: nothing in it changes."""
        return self


@dataclass(frozen=True)
class Shown:
    """A batch as the anchors see it: semantic vectors with their label, modality and own photo's row."""

    semantic: Tensor
    rows: Tensor
    labels: Tensor
    modality: Tensor
    own_photo: Tensor
    words: Tensor
    # Words of the anchors' classes.
    classes: Tensor | None = None


@torch.no_grad()
def lay(
    learner: LiteLearner, views: Views, known: Annotations, *, classes: bool = False, drawn_only: bool = False
) -> Anchors:
    """Set projection and words' projection to their closed forms; return the photos' positions.

    `classes`: the words' projection also knows those that the tower told apart before. `drawn_only`: no drawing is
    kept away from labels that have no drawing.
    """
    photos, drawings = (np.flatnonzero(known.modality == kind) for kind in (PHOTO, SKETCH))
    if not len(photos) or not len(drawings):
        raise DataProblem(f"training needs photos and sketches: found {len(photos)} and {len(drawings)}")
    seen = plain_features(learner, views, photos)
    drawn = plain_features(learner, views, drawings)
    even, evenly_drawn = evenly(known.labels[photos]), evenly(known.labels[drawings])
    dimension = learner.projection.out_features
    learner.projection.weight.copy_(principal(_unit(seen), even, dimension))
    embedded, sketched = (_unit(learner.projection(part)) for part in (seen, drawn))
    encodings = torch.zeros(MODALITIES, dimension)
    encodings[PHOTO] = (embedded * even[:, None]).sum(0)
    encodings[SKETCH] = (sketched * evenly_drawn[:, None]).sum(0)
    semantic = _unit(embedded - encodings[PHOTO])
    places = torch.zeros(len(views), dimension)
    places[torch.from_numpy(photos)] = semantic
    labels, prototypes = _means(semantic, known.labels[photos])
    others = classes_of(learner) if classes else None
    if known.words is not None:
        _lay_words(learner, known.words[labels], prototypes, others)
        encodings[TEXT] = learner.texts(known.words[labels][:, 0]).mean(0)
    if drawn_only:
        kept = torch.from_numpy(np.isin(labels.numpy(), known.labels[drawings]))
        labels, prototypes = labels[kept], prototypes[kept]
        photos = photos[np.isin(known.labels[photos], known.labels[drawings])]
    prototype_of = torch.full((len(known.names),), -1, dtype=torch.long)
    prototype_of[labels] = torch.arange(len(labels))
    gallery, gallery_labels = places[torch.from_numpy(photos)], torch.from_numpy(known.labels[photos]).long()
    return Anchors(places, prototypes, prototype_of, encodings, gallery, gallery_labels, others)


@torch.no_grad()
def measure_encodings(learner: LiteLearner, views: Views, known: Annotations) -> Tensor:
    """Measure each modality's encoding as its mean after training, every label weighted equally."""
    encodings = torch.zeros(MODALITIES, learner.projection.out_features)
    for modality in (PHOTO, SKETCH):
        rows = some_of_each(known, modality)
        embedded = _unit(learner.projection(plain_features(learner, views, rows)))
        encodings[modality] = (embedded * evenly(known.labels[rows])[:, None]).sum(0)
    if known.words is not None:
        encodings[TEXT] = learner.texts(known.words[:, 0]).mean(0)
    return encodings


@torch.no_grad()
def lay_words(learner: Learner, views: Views, known: Annotations) -> None:
    """Set the words' projection to its closed form for photos as they are now, nothing subtracted; on lite towers."""
    if known.words is None or not isinstance(learner, LiteLearner):
        return
    rows = some_of_each(known, PHOTO)
    embedded = _unit(learner.projection(plain_features(learner, views, rows)))
    labels, prototypes = _means(embedded, known.labels[rows])
    _lay_words(learner, known.words[labels], prototypes)


def some_of_each(known: Annotations, modality: int) -> NDArray[np.int64]:
    """Rows of that modality, at most `MEASURED` per label."""
    taken: Counter[int] = Counter()
    rows = []
    for row in np.flatnonzero(known.modality == modality).tolist():
        label = int(known.labels[row])
        if taken[label] < MEASURED:
            taken[label] += 1
            rows.append(row)
    return np.array(rows)


def terms(
    shown: Shown, anchors: Anchors, weights: Mapping[str, float], scale: float, near: float = 0.0
) -> dict[str, Tensor]:
    """Compute each requested term by name, unweighted.

    `near`: by how much of their similarity to the right one wrong prototypes and words are preferred: a drawing has to
    be told apart from near kinds by as much.
    """
    found: dict[str, Tensor] = {}
    sketches, photos = shown.modality == SKETCH, shown.modality == PHOTO
    if weights["prototypes"]:
        target = anchors.prototype_of[shown.labels]
        found["prototypes"] = _choose(
            shown.semantic, anchors.prototypes, target, sketches & (target >= 0), scale, near
        )
    if weights["words"]:
        every = torch.ones_like(sketches)
        found["words"] = _choose(shown.semantic, shown.words, shown.labels, every, scale, near)
    if weights["across"]:
        same = shown.labels[sketches][:, None] == shown.labels[photos][None, :]
        found["across"] = contrast(
            shown.semantic[sketches], shown.semantic[photos], same, torch.tensor(scale)
        )
    if weights["gallery"]:
        found["gallery"] = _nearest(shown.semantic[sketches], shown.labels[sketches], anchors, scale)
    if weights["keep_photos"]:
        found["keep_photos"] = _apart(shown.semantic[photos], anchors.photos[shown.rows[photos]])
    if weights["own_photo"]:
        paired = sketches & (shown.own_photo >= 0)
        found["own_photo"] = _apart(shown.semantic[paired], anchors.photos[shown.own_photo[paired]])
    if weights["classes"] and anchors.classes is not None and shown.classes is not None:
        found["classes"] = _apart(shown.classes, anchors.classes.places)
    return found


@torch.no_grad()
def plain_features(learner: Learner, views: Views, rows: Sequence[int] | NDArray[np.int64]) -> Tensor:
    """The tower's features of the pictures themselves, without augmentation."""
    return views.said("features", learner, rows, learner.features)


def _choose(left: Tensor, right: Tensor, target: Tensor, which: Tensor, scale: float, near: float) -> Tensor:
    if not bool(which.any()):
        return left.sum() * 0.0
    cosines = left[which] @ right.T
    if near:
        fixed = right.detach()
        preferred = (fixed[target[which]] @ fixed.T).clamp(min=0)
        cosines = cosines + near * preferred.scatter(1, target[which][:, None], 0.0)
    logits = torch.tensor(scale).exp() * cosines
    return F.cross_entropy(logits, target[which], label_smoothing=SMOOTHING)


def _nearest(drawn: Tensor, labels: Tensor, anchors: Anchors, scale: float) -> Tensor:
    """How unlikely a drawing is to choose a photo of its label among all (neighbourhood components analysis)."""
    right = labels[:, None] == anchors.gallery_labels[None, :]
    some = right.any(1)
    if not bool(some.any()):
        return drawn.sum() * 0.0
    right = right[some]
    logits = torch.tensor(scale).exp() * drawn[some] @ anchors.gallery.T
    return (logits.logsumexp(1) - logits.masked_fill(~right, -torch.inf).logsumexp(1)).mean()


def _apart(left: Tensor, right: Tensor) -> Tensor:
    return (1 - (left * right).sum(1)).mean() if len(left) else left.sum() * 0.0


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1)


def evenly(labels: NDArray[np.int64]) -> Tensor:
    """Weights that give every label the same share; they sum to one."""
    weights = 1.0 / np.bincount(labels)[labels]
    return torch.from_numpy((weights / weights.sum()).astype(np.float32))


def principal(vectors: Tensor, weights: Tensor, dimension: int, *, centred: bool = True) -> Tensor:
    """The directions (dimension, width) in which vectors differ most; fewer where they are narrower than that.

    Unless they are `centred` first, what all have in common is among them.
    """
    if centred:
        vectors = vectors - (vectors * weights[:, None]).sum(0)
    spread = (vectors * weights[:, None]).T @ vectors
    # With few photos most directions are empty; of so many equal values, single precision may fail, or give no numbers.
    try:
        directions = torch.linalg.eigh(spread)[1]
    except RuntimeError:
        directions = torch.full_like(spread, torch.nan)
    if not bool(directions.isfinite().all()):
        directions = torch.linalg.eigh(spread.double())[1].float()
    principal: Tensor = directions.flip(1)[:, :dimension].T
    return principal.contiguous()


def _means(vectors: Tensor, labels: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    known, numbers = np.unique(labels, return_inverse=True)
    sums = torch.zeros(len(known), vectors.shape[1]).index_add_(0, torch.from_numpy(numbers), vectors)
    return torch.from_numpy(known), _unit(sums)


def _lay_words(
    learner: LiteLearner, words: Tensor, prototypes: Tensor, classes: Classes | None = None
) -> None:
    said, counts = words.mean(1), torch.ones(len(words), 1)
    if classes is not None:
        said, prototypes = torch.cat([said, classes.words]), torch.cat([prototypes, classes.places])
        counts = torch.cat([counts, torch.full((len(classes.words), 1), KNOWN)])
    bordered = torch.cat([said, torch.ones(len(said), 1)], dim=1)
    square = bordered.T @ (counts * bordered) + RIDGE * torch.eye(bordered.shape[1])
    solved = torch.linalg.solve(square, bordered.T @ (counts * prototypes))
    learner.text.weight.copy_(solved[:-1].T)
    learner.text.bias.copy_(solved[-1])
