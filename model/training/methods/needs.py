"""What a method may require of the data and the towers, checked before any work. To add one: a member and its check."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

from model.data.datasets import PHOTO, SKETCH, DataProblem, Record
from model.training.learners.base import Learner
from model.training.views import own_photos

Records = tuple[Record, ...]


class Need(StrEnum):
    BOTH_MODALITIES = "sketches and photos"
    CLASSES = "at least two classes"
    PAIRS = "sketches with their own photo"
    WORDS = "a text tower"


def refuse_lacking(method: str, needs: Collection[Need], records: Records, learner: Learner) -> None:
    """Raise DataProblem for the first need that is not met."""
    for need in Need:
        if need in needs and (found := _LACKS[need](records, learner)):
            raise DataProblem(f"method {method!r} needs {need}: {found}")


def _modalities(records: Records, _: Learner) -> str:
    photos = sum(record.modality == PHOTO for record in records)
    lacking = photos in (0, len(records))
    return f"found {len(records) - photos} sketches and {photos} photos" if lacking else ""


def _classes(records: Records, _: Learner) -> str:
    drawn, shown = ({r.label for r in records if r.modality == kind} for kind in (SKETCH, PHOTO))
    labels = sorted(drawn & shown)
    return "" if len(labels) > 1 else f"only {labels or 'none'} have both sketches and photos"


def _pairs(records: Records, _: Learner) -> str:
    found = bool((own_photos(records) >= 0).any())
    return "" if found else "no `pair_id` joins a sketch to a photo; give a manifest that has them"


def _words(_: Records, learner: Learner) -> str:
    return "" if learner.reads_words else "this recipe's towers have none"


_LACKS: Mapping[Need, Callable[[Records, Learner], str]] = {
    Need.BOTH_MODALITIES: _modalities,
    Need.CLASSES: _classes,
    Need.PAIRS: _pairs,
    Need.WORDS: _words,
}
