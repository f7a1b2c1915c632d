"""Libraries on servers: remove what a test left there."""

from indexer.remote.database import CURRENT, HELD
from indexer.remote.shelf import RemoteShelf


def wipe(kept_on: RemoteShelf) -> None:
    """Drop all generations of a library, whatever points to them."""
    database = kept_on.database
    for pointer in (CURRENT, HELD):
        database.point(pointer, None)
    for name in database.generations():
        database.drop(name)
    database.close()
