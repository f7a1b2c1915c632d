"""Which classes a model is trained on: the published lists of unseen ones (`published_splits/`), or a file's."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED, DataProblem, Dataset, read_labels
from model.data.labels import key

FOLDER = Path(__file__).parent / "published_splits"

# Published lists differ by a handful of files; anything below this share is an unfinished download.
ENOUGH = 0.98


@dataclass(frozen=True)
class Split:
    """The unseen classes of a benchmark, and how many test images were published for them."""

    name: str
    benchmark: str
    unseen: tuple[str, ...]
    test_sketches: int
    test_photos: int
    source: str
    # Whether the gallery contains the photos that Sketchy's own sketches were drawn from.
    originals: bool = True


def published() -> dict[str, Split]:
    """All published splits by name; those that end in -masbir are test lists of that paper."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.json"))}


def find_split(name: str) -> Split:
    splits = published()
    if name not in splits:
        raise DataProblem(f"unknown published split {name!r}; known: {', '.join(splits)}")
    return splits[name]


def parted(data: Dataset, split: Split) -> tuple[Dataset, Dataset]:
    """Split a benchmark into its seen and unseen part; an error if the unseen part is incomplete."""
    present = {key(label) for label in data.labels}
    if absent := [label for label in split.unseen if key(label) not in present]:
        raise DataProblem(
            f"{data.name} lacks {len(absent)} of the {len(split.unseen)} unseen classes of {split.name}, "
            f"such as {absent[0]!r}: unpack all of it"
        )
    unseen = data.subset(split.unseen)
    for what, expected in (("sketch", split.test_sketches), ("photo", split.test_photos)):
        found = len(unseen.of(what))
        if found < ENOUGH * expected:
            raise DataProblem(
                f"{data.name}: expected about {expected} {what} images in the unseen classes of "
                f"{split.name}, found {found}: unpack all of it, or give a list of classes of your own"
            )
    return data.without(split.unseen), unseen


def a_tenth(data: Dataset) -> tuple[str, ...]:
    """Labels to hold out for validation: always the same tenth of those with drawings."""
    both = {record.label for record in data.of(SKETCH)} & {record.label for record in data.of(PHOTO)}
    shuffled = sorted(both, key=lambda label: hashlib.sha256(key(label).encode()).digest())
    return tuple(sorted(shuffled[: max(2, len(both) // 10)]))


def trained_on(
    whole: Dataset, splits: str | None, *, all_labels: bool = False, validated: str | None = None
) -> tuple[Dataset, Dataset | None]:
    """Split into training and validation data; drawings that nobody recognised are in neither.

    `splits` names a published split, or a JSON file with a list validation_unseen; `validated`, the only set to
    validate on.
    """
    clear = whole.where(lambda record: not (record.modality == SKETCH and record.note == UNRECOGNIZED))
    if splits is None:
        return clear, None
    if splits.endswith(".json") or Path(splits).is_file():
        held_out = _named_labels(Path(splits), clear)
    else:
        clear, _ = parted(clear, find_split(splits))
        held_out = a_tenth(clear)
    if all_labels:
        return clear, None
    unseen = clear.subset(held_out)
    return clear.without(held_out), unseen.of_sets([validated]) if validated else unseen


def _named_labels(splits: Path, data: Dataset) -> tuple[str, ...]:
    labels = read_labels(splits)
    if "validation_unseen" not in labels:
        raise DataProblem(
            f"{splits}: expected a list named validation_unseen, found {', '.join(labels) or 'none'}"
        )
    return tuple(label for label in labels["validation_unseen"] if label in data.labels)


def _read(path: Path) -> Split:
    fields = json.loads(path.read_text(encoding="utf-8"))
    return Split(name=path.stem, **(fields | {"unseen": tuple(fields["unseen"])}))
