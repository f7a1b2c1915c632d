"""Which classes a model is trained on: the published lists of unseen ones (`published_splits/`), or a file's."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED, DataProblem, Dataset, first_few, read_labels
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


@dataclass(frozen=True)
class Part:
    """Which part of the data a model is trained on.

    `splits` names a published split, or a JSON file with a list validation_unseen; `validated`, the only set to
    validate on. `left_out` are classes, or published splits whose classes are meant: neither trained nor validated on.
    `by_pair`: each photo with its drawings is a class of its own.
    """

    splits: str | None = None
    all_labels: bool = False
    validated: str | None = None
    left_out: tuple[str, ...] = ()
    by_pair: bool = False


def trained_on(whole: Dataset, part: Part) -> tuple[Dataset, Dataset | None]:
    """Split into training and validation data; drawings that nobody recognised are in neither."""
    seen, unseen = _by_class(whole, part)
    if not part.by_pair:
        return seen, unseen
    seen = pairs_as_classes(seen)
    if unseen is not None:
        return seen, pairs_as_classes(unseen)
    if part.all_labels:
        return seen, None
    held_out = a_tenth(seen)
    return seen.without(held_out), seen.subset(held_out)


def pairs_as_classes(data: Dataset) -> Dataset:
    """Each photo with the drawings made from it as a class; other pictures are left out."""
    drawn, shown = (
        {(r.set, r.pair) for r in data.of(kind) if r.pair is not None} for kind in (SKETCH, PHOTO)
    )
    both = drawn & shown
    if not both:
        raise DataProblem(f"{data.name}: no sketch has its own photo; give a manifest with `pair_id`")
    kept = data.where(lambda record: (record.set, record.pair) in both)
    named = [replace(record, label=f"{record.label} {record.set} {record.pair}") for record in kept.records]
    return replace(data, records=tuple(named))


def _by_class(whole: Dataset, part: Part) -> tuple[Dataset, Dataset | None]:
    clear = whole.where(lambda record: not (record.modality == SKETCH and record.note == UNRECOGNIZED))
    splits, left_out = part.splits, _left_out(whole, part.left_out)
    if splits is None:
        return clear.without(left_out), None
    if splits.endswith(".json") or Path(splits).is_file():
        clear = clear.without(left_out)
        held_out = _named_labels(Path(splits), clear)
    else:
        clear, _ = parted(clear, find_split(splits))
        clear = clear.without(left_out)
        held_out = a_tenth(clear)
    if part.all_labels:
        return clear, None
    if not held_out:
        raise DataProblem(
            f"{splits}: no label of validation_unseen is in {clear.name}, which has {first_few(clear.labels)}"
        )
    unseen = clear.subset(held_out)
    return clear.without(held_out), unseen.of_sets([part.validated]) if part.validated else unseen


def _left_out(data: Dataset, names: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that these names mean; a published split need not be one of this data."""
    known, splits = {key(label) for label in data.labels}, published()
    found: list[str] = []
    for name in names:
        if name in splits:
            found += splits[name].unseen
        elif key(name) in known:
            found.append(name)
        else:
            raise DataProblem(
                f"{name!r} is neither a class of {data.name} nor a published split: leave out one of "
                f"{', '.join(splits)}, or a class"
            )
    return tuple(found)


def _named_labels(splits: Path, data: Dataset) -> tuple[str, ...]:
    labels = read_labels(splits)
    if "validation_unseen" not in labels:
        raise DataProblem(
            f"{splits}: expected a list named validation_unseen, found {', '.join(labels) or 'none'}"
        )
    # In any spelling, as everywhere.
    present = {key(label) for label in data.labels}
    return tuple(label for label in labels["validation_unseen"] if key(label) in present)


def _read(path: Path) -> Split:
    fields = json.loads(path.read_text(encoding="utf-8"))
    return Split(name=path.stem, **(fields | {"unseen": tuple(fields["unseen"])}))
