"""What the columns of a comparison say, in a line each."""

from collections.abc import Mapping

from model.comparison import kinds
from model.comparison.vectors import AS_IS, MEANS_OFF

# The columns of what each row costs, in their order.
COSTS: Mapping[str, str] = {
    "steps": "training steps of each seed",
    "rate": "the tower's learning rate, the one of three that found held-out seen labels best",
    "trained parameters": "how many numbers training changes",
    "CPU ms a picture": "processor time that a training step takes for each picture, all cores added up",
    "bytes a photo": "what an index keeps of each photo",
}
_MEANINGS: Mapping[str, str] = {
    "vectors": f"`{AS_IS}`, or with `{MEANS_OFF}`: less the mean of each modality, as measured on training data",
    "mAP": "drawings of unseen labels search the small gallery, the photos of these labels: mean average precision "
    "over all of it, 1 if a drawing finds all photos of its label before any other",
    "first": "the share of these drawings whose first photo is of their label",
    "hit@5": "the share with such a photo among the first five",
    "large first": "as `first`, in the large gallery: photos of other things are among those of unseen labels",
    "large hit@5": "as `hit@5`, in the large gallery",
    "large mAP@200": "mean average precision over the first 200 photos of the large gallery",
    "own@1": "the share of drawings whose first photo, in the small gallery, is the very one they were made from",
    "own@5": "the share with that photo among the first five",
    "pair@1": "as `own@1`, among the photos of the set that `--pairs` names",
    "pair@5": "as `own@5`, among these",
    "text mAP": "as `mAP`, searched by the labels' names instead of drawings",
    "large text P@10": "the share of right ones among the first ten photos of the large gallery, searched by names",
    f"mAP {kinds.IN}": "`mAP` of those labels that are classes of ImageNet, on which the tower was trained",
    f"mAP {kinds.NEAR}": "`mAP` of those that are a kind of such a class, or above one",
    f"mAP {kinds.OUT}": "`mAP` of the other labels",
}


def meaning(column: str) -> str:
    return {**_MEANINGS, **COSTS}[column]
