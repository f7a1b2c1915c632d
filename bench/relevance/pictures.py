"""The pictures that relevance is fitted to, and their vectors, which a file keeps from run to run."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.gallery import named
from model import Encoder
from model.data.datasets import (
    PHOTO,
    SKETCH,
    UNRECOGNIZED,
    Dataset,
    Record,
    images_under,
    read_labels,
    read_manifest,
)
from model.evaluation.distractors import in_order
from model.evaluation.embedding import pictures
from model.modality import Vectors

# Drawings of each group but the main one.
_MOST = 600


@dataclass(frozen=True)
class Group:
    """Pictures, row by row."""

    records: tuple[Record, ...] = ()
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(record.label for record in self.records)


@dataclass(frozen=True)
class Pictures:
    """What is asked for, and what else there is."""

    # Labels that the twin never saw, and those that it did.
    unseen: frozenset[str]
    seen: frozenset[str]
    # Drawings and photos of unseen things.
    drawings: Group
    photos: Group
    # Photos of everything else.
    others: Group
    # Drawings of unseen things in another style, and new ones of things that the twin saw.
    doodles: Group
    known: Group
    # The demo's photos, and drawings of things that their names name.
    demo: Group
    for_demo: Group


def gathered(encoder: Encoder, options: argparse.Namespace) -> Pictures:
    """Choose the pictures and encode them."""
    data = read_manifest(options.manifest, options.root).where(lambda record: record.note != UNRECOGNIZED)
    unseen = frozenset(read_labels(options.splits)["validation_unseen"]) & frozenset(data.labels)
    learned: Dataset | None = read_manifest(options.trained, options.root) if options.trained else None
    trained = {record.path for record in learned.records} if learned else set()
    asked = data.of_sets([options.set]).where(lambda record: record.label in unseen)
    things = frozenset(record.label for record in asked.of(SKETCH))
    doodles = [record for record in data.of_sets([options.doodles]).of(SKETCH) if record.path not in trained]
    seen = frozenset(learned.labels) if learned else frozenset()
    new = data.of_sets([options.set, options.doodles]).of(SKETCH)
    files = (
        []
        if options.demo is None
        else [Record(path, PHOTO, path.stem) for path in images_under(options.demo)]
    )
    shown = {label for label in data.labels if files and named(files, label).any()}
    groups: dict[str, Sequence[Record]] = {
        "drawings": asked.of(SKETCH),
        "photos": [record for record in asked.of(PHOTO) if record.label in things],
        "others": [record for record in data.of(PHOTO) if record.label not in things],
        "doodles": _evenly([record for record in doodles if record.label in unseen]),
        "known": _evenly([record for record in new if record.label in seen and record.path not in trained]),
        "demo": files,
        "for_demo": _evenly([record for record in doodles if record.label in shown]),
    }
    vectors = _vectors(encoder, [record for group in groups.values() for record in group], options.cache)
    return Pictures(unseen, seen, **{name: _group(records, vectors) for name, records in groups.items()})


def _group(records: Sequence[Record], vectors: dict[str, Vectors]) -> Group:
    kept = tuple(record for record in records if str(record.path) in vectors)
    return Group(kept, np.stack([vectors[str(record.path)] for record in kept])) if kept else Group()


def _evenly(records: Sequence[Record]) -> list[Record]:
    """So many at most, evenly over labels."""
    by_label = Dataset("", in_order(records)).by_label().values()
    turns = max(map(len, by_label), default=0)
    return [group[turn] for turn in range(turns) for group in by_label if turn < len(group)][:_MOST]


def _vectors(encoder: Encoder, records: Sequence[Record], cache: Path | None) -> dict[str, Vectors]:
    """Vectors by path, of all pictures that can be read."""
    known: dict[str, Vectors] = {}
    if cache and cache.exists():
        with np.load(cache) as kept:
            if str(kept["fingerprint"]) == encoder.fingerprint:
                known = dict(zip(kept["paths"].tolist(), kept["vectors"], strict=True))
    wanted = list({str(record.path): record for record in records if str(record.path) not in known}.values())
    if wanted:
        print(f"encoding {len(wanted)} pictures; {len(known)} are known", flush=True)
        found, damaged = pictures(encoder, wanted)
        known |= {str(wanted[place].path): vector for place, vector in found.items()}
        print(*damaged[:3], sep="\n", end="\n" if damaged else "")
        if cache:
            rows = np.stack(list(known.values()))
            np.savez(cache, fingerprint=encoder.fingerprint, paths=np.array(list(known)), vectors=rows)
    return known
