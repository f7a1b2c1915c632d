"""Rows of photos for a server's tables, and small generations of them, made without any photos."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from indexer.remote.database import Batch, Built, Database, Layout, Table
from indexer.remote.rows import BIASES, PART, Row, columns_of
from indexer.values import Photo
from model.modality import Vectors, unit

DIMENSION = 8


def photo(number: int, relative: str, **more: Any) -> Photo:
    content = hashlib.sha256(str(number).encode()).hexdigest()
    given: dict[str, Any] = {"root": "/photos", "content": content, "width": 40, "height": 30}
    return Photo(number, relative=relative, **(given | more))


def rows_of(photos: Sequence[Photo], vectors: Vectors, parts: Sequence[str] | None = None) -> Batch:
    """The rows of these photos, each at its own place."""
    columns: dict[str, Any] = columns_of([Row(one, place) for place, one in enumerate(photos)])
    columns |= {name: [0.0] * len(photos) for name in BIASES}
    columns |= {PART: list(parts)} if parts else {}
    return Batch(columns, vectors)


def some_vectors(count: int, dimension: int = DIMENSION, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension))
    return np.asarray(unit(drawn.astype(np.float32)), dtype=np.float32)


def filled(
    database: Database,
    generation: str,
    batch: Batch,
    index_type: str = "flat",
    texts: Mapping[str, str] | None = None,
    part_bytes: int = 0,
) -> Table:
    """Write a generation; with texts, it is finished."""
    layout = Layout(len(batch), batch.vectors.shape[1], 0, part_bytes, index_type)
    writer = database.create(generation, layout, json.dumps({"generation": generation}))
    writer.add(batch)
    built: Built = writer.finish(lambda *_: None)
    if texts is not None:
        database.write_texts(generation, texts.items())
    return database.table(generation, layout, built)
