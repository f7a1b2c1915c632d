"""What a catalogue has to publish: every photo that has a vector of one model, in the order of the vectors on disk."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from indexer.catalogue.records import DESCRIBED, Entry
from indexer.columns import selected


class Entries:
    """Photos that have a vector of one model. Those with the same content share it, so they are adjacent."""

    _db: sqlite3.Connection

    def count(self, fingerprint: str) -> int:
        """Return how many photos have a vector of this model."""
        query = "SELECT count(*) FROM photos JOIN vectors USING (content) WHERE fingerprint = ?"
        return int(self._db.execute(query, (fingerprint,)).fetchone()[0])

    def has_entries(self, fingerprint: str) -> bool:
        """Whether any photo has a vector of this model."""
        query = "SELECT 1 FROM vectors CROSS JOIN photos USING (content) WHERE fingerprint = ? LIMIT 1"
        return self._db.execute(query, (fingerprint,)).fetchone() is not None

    def entries(self, fingerprint: str) -> Iterator[Entry]:
        """Yield every photo that has a vector of this model, in the order of the vectors on disk."""
        query = f"""SELECT {self._told()}, shard, row FROM photos JOIN vectors USING (content) LEFT JOIN contents
                    USING (content) WHERE fingerprint = ? ORDER BY shard, row, id"""  # noqa: S608
        return map(Entry._make, self._db.execute(query, (fingerprint,)))

    def copy_entries(self, target: Path, fingerprint: str) -> None:
        """Insert what `entries` yields, but for where the vectors are, into the table `photos` of another database.

        A photo of unknown size is refused by that table.
        """
        columns = ", ".join(Entry._fields[:-2])
        self._db.execute("ATTACH ? AS target", (target.absolute().as_uri(),))
        try:
            # The file is synced as a whole before publication; an incomplete one is discarded.
            self._db.executescript("PRAGMA target.journal_mode = OFF; PRAGMA target.synchronous = OFF")
            # In the order of the table, without looking anything up twice.
            self._db.execute(
                f"""INSERT INTO target.photos ({columns})
                    SELECT {self._told()} FROM main.photos LEFT JOIN contents USING (content) WHERE EXISTS
                    (SELECT 1 FROM vectors WHERE content = photos.content AND fingerprint = ?) ORDER BY id""",  # noqa: S608
                (fingerprint,),
            )
        finally:
            self._db.execute("DETACH target")

    def _told(self) -> str:
        """The columns of an entry, but for where its vector is."""
        described = selected(self._db.execute, "contents", DESCRIBED)
        return f"""id, root, relative, content, width, height, {described}, coalesce(taken, strftime(
            '%Y-%m-%dT%H:%M:%S', mtime_ns / 1000000000, 'unixepoch', 'localtime')) AS moment"""

    def places(self, fingerprint: str) -> Iterator[tuple[int, int, int]]:
        """Yield id, shard, and row of all `entries`, in the same order."""
        query = """SELECT id, shard, row FROM photos CROSS JOIN vectors USING (content)
                   WHERE fingerprint = ? ORDER BY shard, row, id"""
        return self._db.execute(query, (fingerprint,))

    def part_places(self, fingerprint: str, parts: str) -> Iterator[tuple[int, int, int]]:
        """Yield id, shard, and row of the local parts of all `entries` that have any, in their order on disk."""
        query = f"SELECT id, shard, row {_WITH_PARTS} ORDER BY shard, row, id"
        return self._db.execute(query, (parts, fingerprint))

    def count_parts(self, fingerprint: str, parts: str) -> int:
        """Return how many of `entries` have local parts."""
        query = f"SELECT count(*) {_WITH_PARTS}"
        return int(self._db.execute(query, (parts, fingerprint)).fetchone()[0])

    def looks(self, fingerprint: str) -> Iterator[tuple[int, int, bytes]]:
        """Yield shard and row of each content with a vector of this model, and its perceptual hash, if it has one."""
        # Both tables in their own order, that of contents: in any other, each row would be looked up somewhere else.
        return self._db.execute(
            """SELECT shard, row, look FROM looks CROSS JOIN vectors USING (content) WHERE fingerprint = ?
               ORDER BY looks.content""",
            (fingerprint,),
        )


_WITH_PARTS = """
FROM photos CROSS JOIN vectors USING (content) WHERE fingerprint = ?
AND EXISTS (SELECT 1 FROM vectors v WHERE v.content = photos.content AND v.fingerprint = ?)
"""
