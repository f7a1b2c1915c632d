"""Ids of new photos: random, so that they can be shown to strangers. In a part of a library they begin with its number.

So no two parts draw the same id, however many photos a library has: ten billion random numbers of 63 bits would
contain about five pairs.
"""

import secrets
import sqlite3

from indexer.folders.partition import Partition

_BITS = 63
# The prefix, so many bits of the above. Parts beyond as many as it can tell apart share it: 1 and 4,097, for example.
# Should two of their photos have the same id, the merge gives the second a new one.
PART_BITS = 12
_TAKEN = (
    "SELECT EXISTS (SELECT 1 FROM photos WHERE id = :id) OR EXISTS (SELECT 1 FROM removed WHERE id = :id)"
)


def new_id(db: sqlite3.Connection, part: Partition | None) -> int:
    """Draw an id that no photo of the catalogue has, or had before it was removed."""
    while True:
        drawn = prefix(part) + secrets.randbits(_BITS - PART_BITS) if part else secrets.randbits(_BITS)
        if not db.execute(_TAKEN, {"id": drawn}).fetchone()[0]:
            return drawn


def prefix(part: Partition) -> int:
    """The smallest id of a part."""
    number: int = (part.number - 1) % 2**PART_BITS
    return number << _BITS - PART_BITS
