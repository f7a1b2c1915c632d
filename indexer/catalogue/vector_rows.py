"""The vectors' tables of the catalogue: their shards and rows, and which are no longer used.

Rows of local parts are kept there, too: what a fingerprint is to vectors, the digest of the local head is to them.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from indexer.catalogue.records import Place


class Places:
    """Where vectors are stored. A content is identified by its hash and has at most one vector per model."""

    _db: sqlite3.Connection

    def shards(self, fingerprint: str) -> set[int]:
        """Return the shards that contain vectors of photos."""
        query = "SELECT DISTINCT shard FROM vectors WHERE fingerprint = ?"
        return {shard for (shard,) in self._db.execute(query, (fingerprint,))}

    def rows_in_use(self, fingerprint: str) -> dict[int, int]:
        """Return how many rows of each shard belong to a photo."""
        query = "SELECT shard, count(*) FROM vectors WHERE fingerprint = ? GROUP BY shard"
        used = dict(self._db.execute(query, (fingerprint,)))
        unused = """SELECT shard, count(*) FROM orphans JOIN vectors USING (content)
                       WHERE fingerprint = ? GROUP BY shard"""
        for shard, rows in self._db.execute(unused, (fingerprint,)):
            used[shard] -= rows
        return used

    def stored(self, fingerprint: str) -> Iterator[Place]:
        """Yield where all vectors are stored, in their order on disk."""
        query = "SELECT content, shard, row, checksum FROM vectors WHERE fingerprint = ? ORDER BY shard, row"
        return map(Place._make, self._db.execute(query, (fingerprint,)))

    def stored_in(self, fingerprint: str, shard: int, first: int, most: int) -> list[Place]:
        """Return where at most so many vectors of a shard are stored, from this row on."""
        query = """SELECT content, shard, row, checksum FROM vectors WHERE fingerprint = ? AND shard = ? AND row >= ?
                   ORDER BY row LIMIT ?"""
        return list(map(Place._make, self._db.execute(query, (fingerprint, shard, first, most))))

    def held(self, fingerprint: str, among: Iterable[tuple[int, int]]) -> Iterator[Place]:
        """Yield what these shards and rows hold."""
        query = """SELECT content, shard, row, checksum FROM vectors
                   WHERE fingerprint = ? AND shard = ? AND row = ?"""
        for shard, row in among:
            yield from map(Place._make, self._db.execute(query, (fingerprint, shard, row)))

    def without_parts(self, fingerprint: str, parts: str, after: str, most: int) -> list[str]:
        """Return contents of photos that have a vector but no parts, by name and beginning after one."""
        query = """SELECT content FROM vectors v WHERE fingerprint = ? AND content > ?
                   AND NOT EXISTS (SELECT 1 FROM vectors WHERE content = v.content AND fingerprint = ?)
                   AND EXISTS (SELECT 1 FROM photos WHERE content = v.content) ORDER BY content LIMIT ?"""
        return [content for (content,) in self._db.execute(query, (fingerprint, after, parts, most))]

    def files_of(self, content: str) -> list[tuple[Path, str]]:
        """Return the photo folder and the path below it of each photo with this content."""
        rows = self._db.execute("SELECT root, relative FROM photos WHERE content = ? ORDER BY id", (content,))
        return [(Path(root), relative) for root, relative in rows]

    def without_checksum(self, fingerprint: str) -> Iterator[Place]:
        """Like `stored`, for rows that an older version wrote."""
        query = """SELECT content, shard, row, checksum FROM vectors WHERE +fingerprint = ? AND checksum IS NULL
                   ORDER BY shard, row"""
        return map(Place._make, self._db.execute(query, (fingerprint,)))

    def place_vectors(self, fingerprint: str, places: Iterable[Place]) -> None:
        """Set where these contents' vectors are stored, replacing any earlier location."""
        self._db.executemany(
            """INSERT OR REPLACE INTO vectors (content, fingerprint, shard, row, checksum)
               VALUES (?, ?, ?, ?, ?)""",
            ((place.content, fingerprint, *place[1:]) for place in places),
        )

    def forget_vectors(self, fingerprint: str, contents: Iterable[str]) -> None:
        """Forget the vectors of these contents, as if they had never been embedded."""
        statement = "DELETE FROM vectors WHERE fingerprint = ? AND content = ?"
        self._db.executemany(statement, ((fingerprint, content) for content in contents))

    def keep_models(self, fingerprints: Collection[str]) -> None:
        """Forget the vectors of all other models."""
        marks = ",".join("?" * len(fingerprints))
        statement = f"DELETE FROM vectors WHERE fingerprint NOT IN ({marks})"  # noqa: S608
        self._db.execute(statement, (*fingerprints,))

    def orphans(self) -> Iterator[str]:
        """Yield contents without a photo that may still have a thumbnail."""
        return (content for (content,) in self._db.execute("SELECT content FROM orphans WHERE NOT swept"))

    def sweep_orphans(self) -> None:
        self._db.execute("UPDATE orphans SET swept = 1 WHERE NOT swept")

    def forget_orphans(self, fingerprint: str, shards: Iterable[int]) -> None:
        """Forget contents without a photo whose vectors are in these shards, or nowhere."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS lost (content TEXT PRIMARY KEY)")
        query = """INSERT OR IGNORE INTO lost SELECT content FROM orphans JOIN vectors USING (content)
                   WHERE fingerprint = ? AND shard = ?"""
        self._db.executemany(query, ((fingerprint, shard) for shard in shards))
        self._db.execute(
            "INSERT OR IGNORE INTO lost SELECT content FROM orphans EXCEPT SELECT content FROM vectors"
        )
        for table in ("contents", "vectors", "looks", "orphans"):
            self._db.execute(f"DELETE FROM {table} WHERE content IN (SELECT content FROM lost)")  # noqa: S608
        self._db.execute("DELETE FROM lost")

    def colourless(self, after: str, most: int) -> list[tuple[str, bytes]]:
        """Return contents without a colour, with their perceptual hash, by name and beginning after one."""
        query = """SELECT content, look FROM contents JOIN looks USING (content)
                   WHERE colour IS NULL AND content > ? ORDER BY content LIMIT ?"""
        return self._db.execute(query, (after, most)).fetchall()

    def colour(self, colours: Iterable[tuple[int, str]]) -> None:
        """Store colours: pairs of colour and content."""
        self._db.executemany("UPDATE contents SET colour = ? WHERE content = ?", colours)
