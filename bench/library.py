"""The galleries that a model is judged in: unseen things alone, among photos of other things, rare, by name, in scenes.

What each is, bench/ranking.py says.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.embeddings import Embeddings
from bench.gallery import SET
from bench.scenes import scenes
from model import Encoder
from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED, Dataset, Record, read_labels, read_manifest
from model.data.labels import key
from model.evaluation.distractors import REST, Source, find, in_order
from model.evaluation.embedding import Embedded
from model.evaluation.tasks import Question, Questions
from model.modality import Modality

RARE = 3
SEEN_EACH = 6


@dataclass(frozen=True)
class Library:
    """What is asked for, what lies around it, and drawings of other things in the same library."""

    unseen: Embedded
    others: Embedded
    seen: Embedded | None
    scenes: Embedded | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What says where these galleries are."""
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--root", type=Path, required=True, help="folder of the manifest's images")
    parser.add_argument("--splits", type=Path, required=True, help="JSON file with lists of labels")
    parser.add_argument("--unseen", default="validation_unseen", help="the list that the model never saw")
    parser.add_argument("--set", default="sketchy25", help="where drawings come from; default: %(default)s")
    parser.add_argument("--scenes", type=Path, help="folder to compose scenes in, or where they are")
    parser.add_argument("--demo", type=Path, help="folder of photos named by their files")
    parser.add_argument("--demo-set", default=SET, help="where its drawings come from; default: %(default)s")
    parser.add_argument("--trained", type=Path, help="manifest whose drawings are not used with --demo")
    # What not every benchmark asks.
    parser.set_defaults(others=None, seen=False)


def library(encoder: Encoder, embeddings: Embeddings, options: argparse.Namespace) -> Library:
    data = read_manifest(options.manifest, options.root).of_sets([options.set])
    data = data.where(lambda record: record.note != UNRECOGNIZED)
    unseen = data.subset(read_labels(options.splits)[options.unseen])
    others = find([REST], Source(options.manifest, options.root, unseen, unseen.labels))[: options.others]
    words = encoder.texts(unseen.labels) if encoder.reads_words else ()
    asked = replace(
        _embedded(embeddings, unseen.records), texts=dict(zip(unseen.labels, words, strict=bool(len(words))))
    )
    drawn = [
        record
        for group in data.without(unseen.labels).by_label(SKETCH).values()
        for record in in_order(group)[:SEEN_EACH]
    ]
    seen = _embedded(embeddings, drawn) if options.seen and drawn else None
    composed = None
    if options.scenes is not None:
        composed = _embedded(embeddings, scenes(unseen.of(PHOTO), others, options.scenes))
    return Library(asked, _embedded(embeddings, others), seen, composed)


def _embedded(embeddings: Embeddings, records: Sequence[Record]) -> Embedded:
    kept, vectors = embeddings.semantic(records)
    return Embedded(Dataset("pictures", kept), vectors)


def questions(library: Library) -> Iterator[tuple[str, Question]]:
    unseen = Questions(library.unseen, None, 0.5)
    others = library.others.vectors
    small = unseen.zero_shot()
    yield "small", small
    yield "large", small.among(others)
    yield "rare", _rare(small, library.unseen.data).among(others)
    if library.unseen.texts:
        words = unseen.text_to_photo()
        yield "words small", words
        yield "words large", words.among(others)
    if library.scenes is not None:
        shown = np.array([record.label for record in library.scenes.data.records])
        yield "scenes", replace(small, gallery=library.scenes.vectors, shown=shown).among(others)
    if library.seen is not None:
        yield "seen", _seen(small.among(others), library.seen, library.others.data)


def _rare(small: Question, data: Dataset) -> Question:
    """The same with only a few photos of each label, always the same ones."""
    photos = data.of(PHOTO)
    kept = {one for group in data.by_label(PHOTO).values() for one in in_order(group)[:RARE]}
    places = [place for place, record in enumerate(photos) if record in kept]
    return replace(small, gallery=small.gallery[places], shown=small.shown[places])


def _seen(large: Question, drawn: Embedded, others: Dataset) -> Question:
    """Ask the large gallery for things that lie around in it."""
    names = [key(record.label) for record in others.records]
    shown = np.concatenate([names, large.shown[len(names) :]])
    classes = np.array([key(record.label) for record in drawn.data.records])
    return Question(drawn.vectors, classes, large.gallery, shown, {Modality.SKETCH: 1.0})
