"""A library of any size without a single picture: rows of the catalogue, shards of vectors, and signatures.

Vectors lie in overlapping clusters, and contents are in random order on disk, as hashes are. One photo in a hundred is
an exact copy of another, one nearly has the vector of another, and one looks like another.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.stores import DIMENSION, clustered
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Root
from indexer.decoding.metadata import METADATA_VERSION, Metadata
from indexer.duplicates.signatures import BYTES
from indexer.folders.scan import Found
from indexer.locking.opening import CATALOGUE
from indexer.shards import banks
from indexer.shards.shard import Origin, checksums
from model import DECODER_VERSION
from model.bank import Bank, Near
from model.modality import Modality, Vectors, unit

ORIGIN = Origin("made up", "5ca1e5ca1e5ca1e5", DIMENSION)
ROOT = Path("/library")
_RARE = 100
_CHUNK, _SHARD = 20_000, 1_000_000
_FOLDER = 200
_CAMERAS = ("NIKON D70", "Canon EOS R6", "Pixel 8", "iPhone 14", "DSC-RX100", "X-T5", "GR III", "E-M1")
_SCHEMA = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'trigger')"


@dataclass(frozen=True)
class Kind:
    """What the vectors are of: whose they are, the bank, and rows of any number and seed."""

    origin: Origin = ORIGIN
    bank: Callable[[], Bank] = lambda: _bank()
    rows: Callable[[int, int], Vectors] = lambda count, seed: unit(clustered(count, seed, 0.03))


def make(index: Path, photos: int, kind: Kind | None = None) -> None:
    """Write the catalogue, the shards, and the bank of so many photos."""
    kind = kind or Kind()
    index.mkdir(parents=True)
    contents = photos - photos // _RARE
    names = np.frombuffer(np.random.default_rng(0).bytes(16 * contents), dtype="V16")
    sums = _write_shards(index, names, kind)
    banks.keep(index, kind.origin, kind.bank())
    with Catalogue(index / CATALOGUE) as catalogue:
        catalogue.remember_root(ROOT, Root())
        _fill(catalogue.connection, photos, names, sums, kind.origin.fingerprint)


def change(catalogue: Catalogue, index: Path, count: int, seed: int, kind: Kind | None = None) -> None:
    """Remove so many photos, replace as many, and add as many."""
    kind = kind or Kind()
    series = kind.origin.vectors_in(index)
    query = "SELECT id, relative FROM photos WHERE id >= ? ORDER BY id LIMIT ?"
    first = int(np.random.default_rng(seed).integers(2**62))
    there = catalogue.connection.execute(query, (first, 2 * count)).fetchall()
    paths = [*(relative for _, relative in there[count:]), *(f"new/{seed}/{n}.jpg" for n in range(count))]
    names = [name.tobytes().hex() for name in np.frombuffer(_bytes(seed, len(paths)), dtype="V16")]
    with (
        catalogue.transaction(),
        series.writer(above=max(catalogue.shards(series.key))) as shard,
    ):
        catalogue.remove(number for number, _ in there[:count])
        for start in range(0, len(paths), _CHUNK):
            part = slice(start, start + _CHUNK)
            rows = kind.rows(len(names[part]), 10**8 + seed + start)
            looks = _looks(len(rows), 10**8 + seed + start)
            for path, place, look in zip(paths[part], shard.append(names[part], rows), looks, strict=True):
                catalogue.add_vector(kind.origin.fingerprint, place, (640, 480), look.tobytes())
                found = Found(ROOT, path, 1_000_000, 1_600_000_000 * 10**9)
                catalogue.record(found, content=place.content, metadata=Metadata())
        shard.sync()


def _write_shards(index: Path, names: NDArray[np.void], kind: Kind) -> NDArray[np.uint32]:
    """Write all vectors; returns their checksums."""
    series = kind.origin.vectors_in(index)
    series.folder.mkdir(parents=True)
    sums = np.empty(len(names), dtype=np.uint32)
    early = kind.rows(min(_CHUNK, len(names)), 0)
    for start in range(0, len(names), _CHUNK):
        part = names[start : start + _CHUNK]
        rows = kind.rows(len(part), start)
        chance = np.random.default_rng(start)
        near = rows[_RARE - 1 :: _RARE]
        shaken = unit(chance.standard_normal(near.shape, dtype=np.float32))
        near[:] = unit(early[chance.integers(0, len(early), len(near))] + 0.15 * shaken)
        half = rows.astype(np.float16)
        sums[start : start + len(part)] = checksums([name.tobytes().hex() for name in part], half)
        with series.path(1 + start // _SHARD).open("ab") as shard:
            shard.write(half.tobytes())
    return sums


def _bank() -> Bank:
    """As large as those of the shipped models."""
    kinds = {
        kind: Near(unit(clustered(2000, 10**7 + number, 0.06)), 10, 0.4)
        for number, kind in enumerate((Modality.SKETCH, Modality.TEXT))
    }
    return Bank(ORIGIN.fingerprint, kinds)


def _fill(
    db: sqlite3.Connection, photos: int, names: NDArray[np.void], sums: NDArray[np.uint32], fingerprint: str
) -> None:
    """Insert all rows, each table in its own order; indexes and triggers are made again afterwards."""
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000")
    again = db.execute(_SCHEMA).fetchall()
    for kind, name, _ in again:
        db.execute(f"DROP {kind} {name}")
    keys = names.view(">u8").reshape(-1, 2)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    db.execute("BEGIN")
    db.executemany(
        """INSERT INTO contents (content, width, height, taken, camera, latitude, longitude, described, colour)
           VALUES (?, 4000, 3000, ?, ?, ?, ?, ?, ?)""",
        _described(names, order),
    )
    db.executemany(
        "INSERT INTO vectors (content, fingerprint, shard, row, checksum) VALUES (?, ?, ?, ?, ?)",
        (
            (names[row].tobytes().hex(), fingerprint, 1 + row // _SHARD, row % _SHARD, int(sums[row]))
            for row in order.tolist()
        ),
    )
    db.executemany("INSERT INTO looks VALUES (?, ?)", _seen(names, order))
    db.executemany(
        """INSERT INTO photos (id, root, relative, size, mtime_ns, ctime_ns, content, decoder)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        _files(photos, names),
    )
    db.execute("COMMIT")
    for _, _, statement in again:
        db.execute(statement)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536")


def _described(names: NDArray[np.void], order: NDArray[np.int64]) -> Iterator[tuple[object, ...]]:
    chance = np.random.default_rng(1)
    for start in range(0, len(order), _CHUNK):
        part = order[start : start + _CHUNK].tolist()
        dice = chance.integers(0, 2**31, (len(part), 2)).tolist()
        for row, (one, other) in zip(part, dice, strict=True):
            day = f"{2000 + one % 25}-{1 + one % 12:02}-{1 + one % 28:02}T{one % 24:02}:{one % 60:02}:{other % 60:02}"
            place = (one % 90 + 0.5, other % 180 + 0.25) if one % 2 else (None, None)
            taken = day if other % 10 else None
            colour = other % 2**24 if other % _RARE else None
            camera = _CAMERAS[one % len(_CAMERAS)] if other % 10 else None
            yield names[row].tobytes().hex(), taken, camera, *place, METADATA_VERSION, colour


def _seen(names: NDArray[np.void], order: NDArray[np.int64]) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(order), _CHUNK):
        part = order[start : start + _CHUNK].tolist()
        for row, look in zip(part, _looks(len(part), start), strict=True):
            yield names[row].tobytes().hex(), look.tobytes()


def _looks(count: int, seed: int) -> NDArray[np.uint8]:
    """Smooth pictures with some contrast; one in a hundred is a recompressed copy of another."""
    chance = np.random.default_rng(seed)
    corners = chance.integers(0, 256, (count, 4, 4, 3), dtype=np.int16).repeat(2, 1).repeat(2, 2)
    looks = (corners + chance.integers(-12, 13, (count, 8, 8, 3), dtype=np.int16)).clip(0, 255)
    copies = looks[_RARE - 1 :: _RARE]
    copies[:] = looks[_RARE - 2 :: _RARE][: len(copies)] ^ 1
    made: NDArray[np.uint8] = looks.astype(np.uint8).reshape(count, BYTES)
    return made


def _files(photos: int, names: NDArray[np.void]) -> Iterator[tuple[object, ...]]:
    """In the order of their random ids."""
    chance = np.random.default_rng(2)
    ids = np.sort(chance.integers(1, 2**63 - 1, photos))
    files = chance.permutation(photos)
    for start in range(0, photos, _CHUNK):
        dice = chance.integers(0, len(names), _CHUNK).tolist()
        pairs = zip(
            ids[start : start + _CHUNK].tolist(), files[start : start + _CHUNK].tolist(), dice, strict=False
        )
        for number, file, copied in pairs:
            content = names[file if file < len(names) else copied].tobytes().hex()
            folder = file // _FOLDER
            relative = f"{2000 + folder % 25}/event {folder:06}/IMG_{file:08}.jpg"
            time = (1_000_000_000 + file * 60) * 10**9
            yield number, str(ROOT), relative, 2_000_000 + file, time, time, content, DECODER_VERSION


def _bytes(seed: int, count: int) -> bytes:
    return np.random.default_rng(10**6 + seed).bytes(16 * count)
