"""What is published is what the catalogue knows: after every kind of change the list is as if written row by row."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Entry
from indexer.duplicates.signatures import stack
from indexer.generations.generation import current
from indexer.generations.photos import PHOTOS_FILE, PhotosWriter
from model.modality import unit
from tests.kit.catalogued import add, opened
from tests.kit.jobs import Job
from tests.kit.standin import write_photo

_COLUMNS = ", ".join(Entry._fields[:-2])


def published(job: Job) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(current(job.index) / PHOTOS_FILE)) as db:
        return db.execute(f"SELECT {_COLUMNS} FROM photos ORDER BY id").fetchall()


def written_anew(job: Job, path: Path) -> list[tuple[object, ...]]:
    """By the writer that takes rows, from the rows that the catalogue yields."""
    writer = PhotosWriter(path)
    with Catalogue(job.index / "catalogue.sqlite", read_only=True) as catalogue:
        writer.add(entry[:-2] for entry in catalogue.entries(job.encoder.fingerprint))
    writer.finish()
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT {_COLUMNS} FROM photos ORDER BY id").fetchall()


def test_after_each_change_the_list_is_as_if_written_row_by_row(quick: Job, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for seed in range(12):
        write_photo(photos / f"{seed % 3}" / f"{seed}.png", seed)

    def describe() -> None:
        with closing(sqlite3.connect(quick.index / "catalogue.sqlite")) as db, db:
            db.execute("UPDATE contents SET taken = '2020-02-02T02:02:02', camera = 'Nikon', latitude = 1.5")
        (quick.index / "catalogue.sqlite.seal").unlink()

    changes = {
        "first": lambda: None,
        "added": lambda: write_photo(photos / "new.png", 50),
        "copied": lambda: (photos / "copy.png").write_bytes((photos / "0" / "0.png").read_bytes()),
        "changed": lambda: write_photo(photos / "1" / "1.png", 51),
        "moved": lambda: (photos / "2" / "2.png").rename(photos / "elsewhere.png"),
        "removed": lambda: (photos / "0" / "3.png").unlink(),
        "touched and copied": lambda: (
            os.utime(photos / "1" / "4.png", (1e9, 1e9)),
            (photos / "again.png").write_bytes((photos / "0" / "0.png").read_bytes()),
        ),
        "described": describe,
    }
    for name, change in changes.items():
        change()
        assert quick(photos).published, name
        rows = published(quick)
        assert rows == written_anew(quick, tmp_path / f"{name}.sqlite"), name
        assert len(rows) == sum(1 for _ in photos.rglob("*.png")), name


def test_a_photo_without_a_size_is_not_published(quick: Job, tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / "a.png", 1)
    quick(tmp_path / "photos")
    target = tmp_path / "new.sqlite"
    writer = PhotosWriter(target)
    with Catalogue(quick.index / "catalogue.sqlite") as catalogue:
        catalogue.connection.execute("DELETE FROM contents")
        with pytest.raises(sqlite3.IntegrityError, match="width"):
            writer.fill(lambda path: catalogue.copy_entries(path, quick.encoder.fingerprint))
    writer.close()


def test_whether_there_is_anything(tmp_path: Path) -> None:
    collection = opened(tmp_path / "index", 8)
    with collection.catalogue as catalogue:
        assert collection.empty
        vectors = unit(np.random.default_rng(1).standard_normal((2, 8)).astype(np.float32))
        add(collection, [1, 2], vectors, stack([None, None]))
        assert not collection.empty
        assert not catalogue.has_entries("f" * 16)
        catalogue.remove(number for number, _, _ in list(catalogue.places(collection.origin.fingerprint)))
        assert collection.empty
