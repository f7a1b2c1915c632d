"""Validation: does a network find things that it never saw, alone and among photos of things that it did see?

Users search the second, large kind of gallery: things in training are everywhere in a library, and photos of them crowd
out the others. Training photos are mixed in by the protocol of `sketchseek evaluate --distractors`.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model.data.datasets import PHOTO as PHOTOS
from model.data.datasets import DataProblem, Record
from model.evaluation.distractors import in_order
from model.evaluation.ranking import inner_product
from model.evaluation.tasks import Question
from model.modality import Modality
from model.training.losses.encodings import PHOTO, SKETCH
from model.training.network import Network
from model.training.views import Views

Vectors = NDArray[np.float32]

BATCH = 64
# Training photos in the large gallery: at every validation, as much work as four steps; at the end, a whole library.
WHILE_TRAINING, AT_THE_END = 1_000, 15_000


def refuse_one_sided(unseen: Sequence[Record]) -> None:
    """Raise DataProblem if no sketch can find a photo of its label."""
    shown = {record.label for record in unseen if record.modality == PHOTOS}
    drawn = {record.label for record in unseen if record.modality != PHOTOS}
    if not drawn & shown:
        raise DataProblem(
            f"validation needs unseen labels with both sketches and photos: {len(drawn)} have sketches, {len(shown)} "
            "have photos; give other --splits, or train with --all-labels and without validation"
        )


def zero_shot(network: Network, unseen: Views) -> Question:
    """Their sketches as queries, in the small gallery of their photos."""
    refuse_one_sided(unseen.records)
    labels = np.array([record.label for record in unseen.records])
    photos = np.array([record.modality == PHOTOS for record in unseen.records])
    vectors = embedded(network, unseen, range(len(unseen)))
    drawn = {Modality.SKETCH: 1.0}
    return Question(vectors[~photos], labels[~photos], vectors[photos], labels[photos], drawn)


def figures(question: Question) -> dict[str, float]:
    return question.measured(inner_product).means()


def photo_rows(seen: Views, most: int) -> list[int]:
    """The rows of training photos that are mixed in: always the same, and the first of few are the first of many."""
    rows = {record: row for row, record in enumerate(seen.records) if record.modality == PHOTOS}
    return [rows[record] for record in in_order(rows)[:most]]


@torch.no_grad()
def embedded(network: Network, views: Views, rows: Sequence[int]) -> Vectors:
    """The vectors of these pictures as an index would hold them."""
    was_training = network.training
    network.eval()
    device = network.method.encodings.device
    parts = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        kinds = [PHOTO if views.records[row].modality == PHOTOS else SKETCH for row in part]
        with network.learner.autocast(device.type):
            found = network.embed(views.images(part).to(device), torch.tensor(kinds, device=device))
        parts.append(found.float().cpu().numpy())
    network.train(was_training)
    return np.concatenate(parts)
