"""Photos of other things, mixed into galleries: how a model does in a real library, where most photos show others.

They come from sets of the data, from all of it (`rest`), from another manifest, or from any folder. Photos of the
classes that are asked for are left out. The order in which they are mixed in depends on their names alone, so the
first 1,000 are the same for every task and model, and part of the first 14,000.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.data.benchmarks import open_dataset, sets_of
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset, Record, images_under
from model.data.labels import key
from model.evaluation.embedding import Embedded, Encodes, OnProgress, left_out, pictures

REST, ALL = "rest", "all"
# A round number for the middle of the table.
SOME = 1000


@dataclass(frozen=True)
class Source:
    """The data that is evaluated, where sets are found by name."""

    data: Path
    root: Path | None
    evaluated: Dataset
    # The classes that are asked for, in any spelling.
    asked: Collection[str]


def find(names: Sequence[str], source: Source) -> tuple[Record, ...]:
    """Find all photos of other things under these names, in the order in which they are mixed in.

    A name is a set of the data if it has one of that name; otherwise `rest`, a manifest (.csv), or a folder.
    """
    asked = {key(label) for label in source.asked}
    named = [(record.path.resolve(), record) for name in names for record in _photos(name, source)]
    # A folder, whose pictures have no labels, may hold the very photos that are right elsewhere, and drawings.
    barred = {place for place, record in named if key(record.label) in asked} | {
        record.path.resolve()
        for record in source.evaluated.records
        if record.modality == SKETCH or key(record.label) in asked
    }
    found: dict[Path, Record] = {}
    for place, record in named:
        if place not in barred:
            found.setdefault(place, record)
    if not found:
        raise DataProblem(
            f"--distractors {' '.join(names)}: no photos of other classes there; name other sets or a folder"
        )
    return in_order(found.values())


def in_order(records: Iterable[Record]) -> tuple[Record, ...]:
    """Shuffle records, always in the same way: by a hash of their folder and name."""

    def place(record: Record) -> tuple[bytes, str]:
        name = f"{record.path.parent.name}/{record.path.name}"
        return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest(), str(record.path)

    return tuple(sorted(records, key=place))


def counts_of(text: str | None, available: int) -> tuple[int, ...]:
    """Read numbers such as `0,1000,all`; by default none, 1,000, and all there are."""
    if text is None:
        return tuple(sorted({0, min(SOME, available), available}))
    counts = set()
    for word in filter(None, map(str.strip, text.split(","))):
        if word != ALL and not (word.isascii() and word.isdigit()):
            raise DataProblem(f"--distractor-counts {text}: {word!r} is no number; write 0,1000,{ALL}")
        counts.add(available if word == ALL else int(word))
    if not counts:
        raise DataProblem(f"--distractor-counts is empty; write 0,1000,{ALL}")
    if max(counts) > available:
        raise DataProblem(
            f"--distractor-counts {max(counts)}: there are only {available} photos of other classes; "
            f"write at most {available}, or {ALL}"
        )
    return tuple(sorted(counts))


def embed_distractors(
    encoder: Encodes, records: Sequence[Record], most: int, progress: OnProgress | None = None
) -> Embedded:
    """Encode the first `most` of these photos that can be read; at least one is wanted."""
    found, damaged = pictures(encoder, records[:most], progress)
    while len(found) < most and (start := len(found) + len(damaged)) < len(records):
        more, bad = pictures(encoder, records[start : start + most - len(found)])
        found |= {start + place: vector for place, vector in more.items()}
        damaged += bad
    if not found:
        raise DataProblem(f"none of the {len(damaged)} distractors can be read; the first is {damaged[0]}")
    kept = sorted(found)
    data = Dataset("distractors", tuple(records[place] for place in kept))
    vectors = np.stack([found[place] for place in kept]).astype(np.float32, copy=False)
    sources = Counter(record.set for record in data.records).most_common()
    remark = (
        f"photos of other classes: the first {len(data):,} of {len(records):,}, in an order that never changes: "
        + ", ".join(f"{count:,} of {name}" for name, count in sources)
    )
    return Embedded(data, vectors, remarks=(remark, *left_out(damaged)))


def _photos(name: str, source: Source) -> Iterable[Record]:
    sets = sets_of(source.data)
    if name in sets:
        return open_dataset(source.data, source.root, [name]).of(PHOTO)
    if name == REST:
        return open_dataset(source.data, source.root).of(PHOTO)
    place = Path(name)
    if place.suffix.lower() == ".csv":
        return open_dataset(place).of(PHOTO)
    if place.is_dir():
        return [Record(path, PHOTO, "", set=name) for path in images_under(place)]
    known = f"its sets are {', '.join(sets)}, or write {REST} for all" if sets else f"or write {REST}"
    raise DataProblem(f"--distractors {name}: neither a set of {source.data} nor a folder; {known}")
