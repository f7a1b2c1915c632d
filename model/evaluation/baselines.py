"""Baselines from the same embeddings: nothing subtracted, or each modality's plain mean.

Results for several sets of vectors become one `Evaluation`, with a row for each of them under every task.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from model.encoder import Encoder
from model.evaluation.embedding import Embedded, Vectors
from model.evaluation.report import Evaluation
from model.modality import Modality, strip

STRIPPED, RAW, MEAN = "stripped", "raw (nothing stripped)", "mean of each modality stripped"


def ranked_by(name: str) -> str:
    """What rows are called whose photos are in the order of this re-ranker."""
    return STRIPPED if name == "plain" else f"{STRIPPED}, {name}"


def stripped(raw: Embedded, encoder: Encoder) -> Embedded:
    """Turn the result of `embed(encoder.unstripped, ...)` into that of `embed(encoder, ...)`.

    Words are encoded anew: the encoder averages them over its prompts.
    """
    own = _changed(replace(raw, texts={}), encoder.strip)
    names = [*raw.texts]
    return replace(own, texts=dict(zip(names, encoder.texts(names), strict=True)) if names else {})


def mean_stripped(raw: Embedded) -> Embedded:
    """Replace the learned encodings by the means of this data, which are not known beforehand.

    The mean of photos is that of the data, whatever is mixed in later.
    """
    means: dict[Modality, Vectors] = {}

    def changed(vectors: Vectors, kind: Modality) -> Vectors:
        return strip(vectors, means.setdefault(kind, vectors.mean(axis=0)))

    return _changed(raw, changed)


def compared(evaluations: Mapping[str, Evaluation]) -> Evaluation:
    """Merge evaluations: the first one, with the rows of the others below its own, task by task."""
    first = next(iter(evaluations.values()))
    rows = [replace(row, vectors=name) for name, each in evaluations.items() for row in each.rows]
    tasks = list(dict.fromkeys(row.task for row in rows))
    library = [replace(row, vectors=name) for name, each in evaluations.items() for row in each.library]
    return replace(
        first,
        rows=tuple(sorted(rows, key=lambda row: tasks.index(row.task))),
        library=tuple(sorted(library, key=lambda row: (tasks.index(row.task), row.distractors))),
    )


def _changed(raw: Embedded, change: Callable[[Vectors, Modality], Vectors]) -> Embedded:
    vectors = raw.vectors.copy()
    kinds = np.array([record.modality for record in raw.data.records])
    for kind in (Modality.PHOTO, Modality.SKETCH):
        rows = kinds == kind
        if rows.any():
            vectors[rows] = change(vectors[rows], kind)
    texts: dict[str, Vectors] = {}
    if raw.texts:
        texts = dict(zip(raw.texts, change(np.stack([*raw.texts.values()]), Modality.TEXT), strict=True))
    others = raw.distractors
    if others is not None:
        # After the photos of the data, whose mean it is.
        others = replace(others, vectors=change(others.vectors, Modality.PHOTO))
    return replace(raw, vectors=vectors, texts=texts, distractors=others)
